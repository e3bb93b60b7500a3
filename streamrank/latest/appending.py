"""Appending a batch of acts to the stored rows: what a key holds is its last acts up to one position, in order.

A row follows from the log and that position alone, which is its created time; so of two rows of a key the one that is
further is right, whoever wrote it, and the server keeps that one. Acts that a row holds already are not added again.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pyarrow as pa
from feast.types import Array, FeastType

from streamrank.latest.spec import LatestView, several_shards
from streamrank.stores.connection import Connection, wire
from streamrank.stores.packed_view import PackedView
from streamrank.stores.packing.keys import component, entity_keys
from streamrank.stores.packing.kinds import kind_of
from streamrank.stores.packing.layout import Layout
from streamrank.windows.merging import Merged

ROWS, BYTES = 10_000, 200_000_000  # of stored rows at a time, were all of them full
NO_POSITION = np.iinfo(np.int64).min


@dataclass(frozen=True)
class Appends:
    """The acts of a batch by key, in order. keys: large_binary [n], each once, entity key parts without a prefix.

    begins: int64 [n + 1], where the acts of each key begin in `positions`, `event_us` (int64) and `columns`.
    """

    keys: pa.LargeBinaryArray
    begins: np.ndarray
    positions: np.ndarray
    event_us: np.ndarray
    columns: Mapping[str, pa.Array]

    def slice(self, start: int, stop: int) -> "Appends":
        first, last = self.begins[start], self.begins[stop]
        columns = {name: column[first:last] for name, column in self.columns.items()}
        return Appends(self.keys[start:stop], self.begins[start : stop + 1] - first, self.positions[first:last],
                       self.event_us[first:last], columns)  # fmt: skip


def appends(view: LatestView, acts: pa.Table) -> Appends:
    """acts: as `rows.table` gives them. Raises DeclarationError where a key's acts are of several shards."""
    acts = acts.combine_chunks()
    starts = _starts([acts[key] for key in view.join_keys], acts.num_rows)
    first = acts.select(view.join_keys).take(pa.array(starts))
    parts = [component(name, view.key_types[name], first[name]) for name in view.join_keys]
    begins = np.append(starts, acts.num_rows)
    found = Appends(
        entity_keys(b"", parts, len(starts)), begins, acts["log_position"].to_numpy(), acts["event_us"].to_numpy(),
        {name: _whole(acts[name]) for name in view.columns},
    )  # fmt: skip
    _refuse_shards(view, found, acts["shard"].to_numpy())
    return found


def append(connection: Connection, prefix: bytes, view: LatestView, found: Appends) -> Merged:
    """Adds the acts to the rows below `prefix`, and keeps the last `view.most` of each key."""
    merged = 0
    for part in _parts(view, found):
        merged += _appended(connection, wire.glue(prefix, part.keys), view, part)
    return Merged(merged, len(found.keys) - merged)


def packing(view: LatestView) -> PackedView:
    """How the view's rows are packed: as those of any view with its features."""
    return _packing(view.name, view.join_keys, tuple(view.key_types.items()), tuple(view.columns.items()))


@lru_cache
def _packing(
    name: str, join_keys: tuple[str, ...], key_types: tuple[tuple[str, FeastType], ...],
    columns: tuple[tuple[str, FeastType], ...],
) -> PackedView:  # fmt: skip
    fields = [(feature, Array(kind)) for feature, kind in columns]
    kinds = {feature: kind_of(kind) for feature, kind in fields}
    return PackedView(name, b"", b"", join_keys, Layout.of(fields), 0, kinds, dict(key_types))


def _parts(view: LatestView, found: Appends) -> Iterator[Appends]:
    """The keys in parts whose rows are not too large together."""
    at_a_time = min(ROWS, max(1, BYTES // (view.most * 16 * len(view.columns))))
    for start in range(0, len(found.keys), at_a_time):
        yield found.slice(start, min(start + at_a_time, len(found.keys)))


def _appended(connection: Connection, keys: pa.LargeBinaryArray, view: LatestView, new: Appends) -> int:
    """How many rows were written."""
    packed = packing(view)
    held = packed.unpack(connection.fetch(keys), list(view.columns), {packed.layout.id: packed.layout}, keys)
    known = np.where(held.found, held.created_us, NO_POSITION)
    fresh = new.positions > np.repeat(known, np.diff(new.begins))
    counts = np.add.reduceat(fresh, new.begins[:-1]) if len(fresh) else np.zeros(0, np.int64)
    changed = np.flatnonzero(counts)
    if not len(changed):
        return 0
    columns = _joined(view, held.columns, new, counts)
    latest = np.maximum.reduceat(new.event_us, new.begins[:-1])
    event_us = np.where(held.found, np.maximum(held.event_us, latest), latest)
    values = packed.pack(columns, event_us, new.positions[new.begins[1:] - 1])
    chosen = pa.array(changed)
    return int(connection.put(keys.take(chosen), values.take(chosen)).sum())


def _joined(
    view: LatestView, held: Mapping[str, pa.ListArray], new: Appends, counts: np.ndarray
) -> dict[str, pa.ListArray]:
    """The lists of each key: those held, then the last `counts` of its new acts, the last `view.most` of all."""
    one = held[next(iter(view.columns))]
    before = one.value_lengths().fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)
    starts = np.cumsum(before) - before
    added = np.minimum(counts, view.most)
    kept = np.minimum(before, view.most - added)
    total = int(before.sum())
    # every key's list is two spans, of what is held and of what is new, and these lie in one column
    begins = np.stack([starts + before - kept, total + new.begins[1:] - added], axis=1).ravel()
    lengths = np.stack([kept, added], axis=1).ravel()
    places = pa.array(_places(begins, lengths))
    offsets = pa.array(np.concatenate([[0], np.cumsum(kept + added)]).astype(np.int32))
    return {
        name: pa.ListArray.from_arrays(offsets, pa.concat_arrays([held[name].flatten(), column]).take(places))
        for name, column in new.columns.items()
    }


def _places(begins: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """The places of all spans, one behind the other."""
    ends = np.cumsum(lengths)
    return np.repeat(begins - ends + lengths, lengths) + np.arange(ends[-1] if len(ends) else 0)


def _starts(keys: list[pa.ChunkedArray], count: int) -> np.ndarray:
    """Where another key begins, in acts ordered by key."""
    changed = np.zeros(count, np.bool_)
    changed[:1] = True
    for column in keys:
        codes = _whole(column).dictionary_encode().indices.to_numpy()
        changed[1:] |= codes[1:] != codes[:-1]
    return np.flatnonzero(changed)


def _whole(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def _refuse_shards(view: LatestView, found: Appends, shards: np.ndarray) -> None:
    if not len(shards):
        return
    starts = found.begins[:-1]
    wrong = np.flatnonzero(np.maximum.reduceat(shards, starts) != np.minimum.reduceat(shards, starts))
    if len(wrong):
        raise several_shards(view, repr(found.keys[int(wrong[0])].as_py()))
