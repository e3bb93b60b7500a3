"""Viewers: from what the feature service `viewer` says of users, or from the acts themselves."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from models.interactions import Interactions
from models.viewer import Viewer

UNKNOWN = -1
FLOATS = {"weights": "recent_weights", "watched": "recent_watched", "ratings": "recent_ratings"}


def viewers(rows: pa.Table, places: Mapping[str, int]) -> list[Viewer]:
    """One viewer a row, in order.

    rows: user_id, and any of the columns of the service `viewer`: lists as of each row's time, null where there is
    nothing. A column that is not there counts as null. places: item_id -> place; acts on others are left out.
    """
    acts = _lists(rows, "recent_items", places)
    columns = {name: _values(rows, column, np.float32, acts) for name, column in FLOATS.items()}
    times = _values(rows, "recent_times", np.int64, acts)
    hidden = _lists(rows, "hidden_items", places)
    proposed = _lists(rows, "candidate_items", places)
    scores, proposed_at = _values(rows, "candidate_scores", np.float32, proposed), _texts(rows, "candidates_at")
    vectors, versions = _column(rows, "user_vector"), _texts(rows, "vector_version")
    followed, stated = _texts(rows, "followed_creators"), _texts(rows, "user_stated_topics")
    surfaces, users, traits = _texts(rows, "surface"), _texts(rows, "user_id"), _texts(rows, "user_profile")
    return [
        Viewer(
            user_id=users[row] or "",
            items=acts.of(row),
            times=acts.part(times, row),
            **{name: acts.part(values, row) for name, values in columns.items()},
            vector=_vector(vectors, row),
            version=versions[row],
            topics=tuple(stated[row] or ()),
            followed=tuple(followed[row] or ()),
            hidden=hidden.of(row),
            surface=surfaces[row],
            proposed=proposed.of(row),
            proposed_scores=proposed.part(scores, row),
            proposed_at=proposed_at[row],
            traits=tuple(traits[row] or ()),
        )
        for row in range(rows.num_rows)
    ]


def viewer_of(acts: Interactions, user: int, instant: int) -> Viewer:
    """The viewer that the acts before `instant` make of the user in this place. For many, see `Histories`."""
    return Histories(acts).viewer(user, instant)


class Histories:
    """The acts by user, so that a viewer as of any instant is a slice."""

    def __init__(self, acts: Interactions) -> None:
        order = np.argsort(acts.users, kind="stable")
        self._acts = acts.only(order)
        self._begins = np.searchsorted(self._acts.users, np.arange(len(acts.user_ids) + 1))

    def viewer(self, user: int, instant: int, most: int = 1_000) -> Viewer:
        """The last `most` acts of the user in this place, of those before `instant`; -1 is nobody."""
        if user < 0:
            return Viewer()
        begin, end = self._begins[user : user + 2]
        end = begin + np.searchsorted(self._acts.times[begin:end], instant, "left")
        kept = slice(max(begin, end - most), end)
        columns = {name: getattr(self._acts, name)[kept] for name in ("times", *FLOATS)}
        items, traits = self._acts.items[kept].astype(np.int64), _traits(self._acts, user)
        return Viewer(str(self._acts.user_ids[user]), items, **columns, traits=traits)


def _traits(acts: Interactions, user: int) -> tuple[str, ...]:
    return tuple(acts.traits[user].as_py() or ()) if acts.traits is not None else ()


class _Lists:
    """A list column as places: flat, without the unknown, and where each row begins."""

    def __init__(self, places: np.ndarray, offsets: np.ndarray) -> None:
        self.known = places != UNKNOWN
        self.total = int(offsets[-1])
        self.offsets = np.append(0, np.cumsum(self.known))[offsets]
        self.places = places[self.known]

    def of(self, row: int) -> np.ndarray:
        return self.part(self.places, row)

    def part(self, values: np.ndarray, row: int) -> np.ndarray:
        return values[self.offsets[row] : self.offsets[row + 1]]


def _lists(rows: pa.Table, name: str, places: Mapping[str, int]) -> _Lists:
    column = _column(rows, name)
    named = column.flatten().dictionary_encode()
    table = np.array([*(places.get(item, UNKNOWN) for item in named.dictionary.to_pylist()), UNKNOWN], np.int64)
    return _Lists(table[named.indices.fill_null(len(table) - 1).to_numpy(zero_copy_only=False)], _offsets(column))


def _values(rows: pa.Table, name: str, kind: type, acts: _Lists) -> np.ndarray:
    """What stands beside a list of items, flat; NaN or 0 without the column. ValueError when lengths differ."""
    column = _column(rows, name)
    if name not in rows.column_names:
        return np.full(acts.known.sum(), np.nan if kind is np.float32 else 0, kind)
    values = pc.fill_null(column.flatten(), float("nan") if kind is np.float32 else 0)
    if len(values) != acts.total:
        raise ValueError(f"{name}: expected {acts.total} values, one for each item, found {len(values)}")
    return values.to_numpy(zero_copy_only=False).astype(kind)[acts.known]


def _offsets(column: pa.ListArray) -> np.ndarray:
    return np.append(0, np.cumsum(column.value_lengths().fill_null(0).to_numpy(zero_copy_only=False)))


def _column(rows: pa.Table, name: str) -> pa.Array:
    if name not in rows.column_names:
        return pa.nulls(rows.num_rows, pa.list_(pa.string()))
    return rows[name].combine_chunks()


def _texts(rows: pa.Table, name: str) -> list:
    return rows[name].to_pylist() if name in rows.column_names else [None] * rows.num_rows


def _vector(vectors: pa.Array, row: int) -> np.ndarray | None:
    """None where there is none, or an empty one."""
    if pa.types.is_null(vectors.type) or not vectors[row].is_valid or not len(vectors[row]):
        return None
    return vectors[row].values.to_numpy(zero_copy_only=False).astype(np.float32)
