"""Viewers: from what the feature service `viewer` says of users, or from the acts themselves."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from models.interactions import Interactions
from models.viewer import Viewer

UNKNOWN = -1
TEXTS = ("user_id", "surface", "user_stated_topics", "followed_creators", "user_profile", "vector_version",
         "candidates_at")  # fmt: skip
FLOATS = {"weights": "recent_weights", "watched": "recent_watched", "ratings": "recent_ratings"}


def viewers(rows: pa.Table, places: Mapping[str, int]) -> list[Viewer]:
    """One viewer a row, in order.

    rows: user_id, and any of the columns of the service `viewer`: lists as of each row's time, null where there is
    nothing. A column that is not there counts as null. places: item_id -> place; acts on others are left out.
    """
    columns = {name: rows[name].combine_chunks() for name in rows.column_names}
    return viewers_of(columns, rows.num_rows, places)


def viewers_of(rows: Mapping[str, pa.Array], count: int, places: Mapping[str, int]) -> list[Viewer]:
    """As `viewers`, of columns [count] by name."""
    empty = pa.nulls(count, pa.list_(pa.string()))
    lists = {name: rows.get(name, empty) for name in ("recent_items", "hidden_items", "candidate_items", "user_vector")}
    acts = _lists(lists["recent_items"], places)
    columns = {name: _values(rows, column, np.float32, acts) for name, column in FLOATS.items()}
    times = _values(rows, "recent_times", np.int64, acts)
    hidden, proposed = (_lists(lists[name], places) for name in ("hidden_items", "candidate_items"))
    scores = _values(rows, "candidate_scores", np.float32, proposed)
    said = {name: rows[name].to_pylist() if name in rows else [None] * count for name in TEXTS}
    return [
        Viewer(
            user_id=said["user_id"][row] or "",
            items=acts.of(row),
            times=acts.part(times, row),
            **{name: acts.part(values, row) for name, values in columns.items()},
            vector=_vector(lists["user_vector"], row),
            version=said["vector_version"][row],
            topics=tuple(said["user_stated_topics"][row] or ()),
            followed=tuple(said["followed_creators"][row] or ()),
            hidden=hidden.of(row),
            surface=said["surface"][row],
            proposed=proposed.of(row),
            proposed_scores=proposed.part(scores, row),
            proposed_at=said["candidates_at"][row],
            traits=tuple(said["user_profile"][row] or ()),
        )
        for row in range(count)
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
        known = places != UNKNOWN
        self.total = int(offsets[-1])
        self.known = None if known.all() else known
        self.offsets = offsets if self.known is None else np.append(0, np.cumsum(known))[offsets]
        self.places = self.of_known(places)

    def of_known(self, values: np.ndarray) -> np.ndarray:
        """Of flat values those that stand beside a known place."""
        return values if self.known is None else values[self.known]

    def of(self, row: int) -> np.ndarray:
        return self.part(self.places, row)

    def part(self, values: np.ndarray, row: int) -> np.ndarray:
        return values[self.offsets[row] : self.offsets[row + 1]]


def _lists(column: pa.ListArray, places: Mapping[str, int]) -> _Lists:
    if column.null_count == len(column):
        return _Lists(np.zeros(0, np.int64), np.zeros(len(column) + 1, np.int64))
    named = column.flatten().dictionary_encode()
    table = np.array([*(places.get(item, UNKNOWN) for item in named.dictionary.to_pylist()), UNKNOWN], np.int64)
    codes = named.indices.fill_null(len(table) - 1) if named.null_count else named.indices
    return _Lists(table[codes.to_numpy(zero_copy_only=False)], _offsets(column))


def _values(rows: Mapping[str, pa.Array], name: str, kind: type, acts: _Lists) -> np.ndarray:
    """What stands beside a list of items, flat; NaN or 0 without the column. ValueError when lengths differ."""
    nothing = np.nan if kind is np.float32 else 0
    if name not in rows:
        return np.full(len(acts.places), nothing, kind)
    values = rows[name].flatten()
    if len(values) != acts.total:
        raise ValueError(f"{name}: expected {acts.total} values, one for each item, found {len(values)}")
    whole = pc.fill_null(values, nothing) if values.null_count else values
    return acts.of_known(whole.to_numpy(zero_copy_only=False).astype(kind))


def _offsets(column: pa.ListArray) -> np.ndarray:
    lengths = column.value_lengths()
    return np.append(0, np.cumsum((lengths.fill_null(0) if lengths.null_count else lengths).to_numpy()))


def _vector(vectors: pa.Array, row: int) -> np.ndarray | None:
    """None where there is none, or an empty one."""
    if pa.types.is_null(vectors.type) or not vectors[row].is_valid or not len(vectors[row]):
        return None
    return vectors[row].values.to_numpy(zero_copy_only=False).astype(np.float32)
