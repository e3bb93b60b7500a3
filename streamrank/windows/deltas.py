"""A batch of rows reduced to one merge argument a key: what a key that does not exist yet would come to hold.

An argument is a whole value (see `layout`), whose positions are the ends of the ranges of the shards it holds rows of,
and behind it the first position of each of these ranges, i64 in the same order.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from streamrank.events.shards import SHARDS
from streamrank.stores.packing.keys import component, entity_keys
from streamrank.windows.errors import Overflow
from streamrank.windows.grouping import Groups, grouped
from streamrank.windows.layout import EXACT, VERSION, WORD, Layout, Tile, layout_of
from streamrank.windows.slots import Slot
from streamrank.windows.spec import WindowedView

MOST_COUNT = 2**32 - 1


@dataclass(frozen=True)
class Deltas:
    """keys: large_binary [n], each once, entity key parts without a prefix. blobs: large_binary [n], the arguments.

    rows, firsts, lasts: what they were made of.
    """

    keys: pa.LargeBinaryArray
    blobs: pa.LargeBinaryArray
    rows: pa.Table = field(repr=False)
    firsts: Mapping[int, int] = field(repr=False)
    lasts: Mapping[int, int] = field(repr=False)


def deltas(view: WindowedView, rows: pa.Table, firsts: Mapping[int, int], lasts: Mapping[int, int]) -> Deltas:
    """One argument for each key of `rows`.

    rows: as `spec.event_rows` gives them, of one or several shards. firsts, lasts: by shard the range of positions that
    the batch covers. Raises Overflow where a sum or a count of the batch alone is not exact.
    """
    rows = rows.combine_chunks()
    if not rows.num_rows:
        nothing = pa.array([], pa.large_binary())
        return Deltas(nothing, nothing, rows, firsts, lasts)
    groups = grouped(view, rows)
    return Deltas(_keys(view, rows, groups), _blobs(view, groups, firsts, lasts), rows, firsts, lasts)


def _keys(view: WindowedView, rows: pa.Table, groups: Groups) -> pa.LargeBinaryArray:
    one = rows.select(view.join_keys).take(pa.array(groups.one_row))
    parts = [component(name, view.key_types[name], one[name]) for name in view.join_keys]
    return entity_keys(b"", parts, one.num_rows)


def _blobs(
    view: WindowedView, groups: Groups, firsts: Mapping[int, int], lasts: Mapping[int, int]
) -> pa.LargeBinaryArray:
    layout = layout_of(view.rings, view.lifetime)
    rings = [_Ring(groups, tile, number, view.name) for number, tile in enumerate(layout.tiles)]
    shards = _Shards(groups.shards)
    sizes = (
        layout.head + 2 * shards.counts + layout.lifetime_words + sum(ring.counts * ring.tile.width for ring in rings)
    )
    ends = np.cumsum(sizes)
    words = np.zeros(int(ends[-1]), np.int64)
    at = ends - sizes
    _write_heads(words, at, layout, groups.shards, [ring.counts for ring in rings])
    at = shards.write(words, at + layout.head, lasts)
    _write_lifetime(words, at, layout, groups, view.name)
    at = at + layout.lifetime_words
    for ring in rings:
        at = ring.write(words, at)
    shards.write(words, at, firsts)
    bounds = np.concatenate([[0], ends]) * WORD
    return pa.Array.from_buffers(pa.large_binary(), len(sizes), [None, pa.py_buffer(bounds), pa.py_buffer(words)])


def _write_heads(words: np.ndarray, at: np.ndarray, layout: Layout, shards: np.ndarray, counts: list) -> None:
    words[at] = VERSION | layout.head << 8 | shards.astype(np.int64) << 16
    halves = words.view(np.uint16)
    for number, count in enumerate(counts):
        halves[4 * at + 2 + number] = count


class _Shards:
    """Which shards touch each key. counts: int64 [keys]."""

    def __init__(self, bits: np.ndarray) -> None:
        self.counts = np.bitwise_count(bits).astype(np.int64)
        touched = np.unpackbits(bits.view(np.uint8).reshape(-1, 2), axis=1, bitorder="little")
        self._keys, self._shards = np.divmod(np.flatnonzero(touched), SHARDS)
        self._nth = np.arange(len(self._keys)) - np.repeat(np.cumsum(self.counts) - self.counts, self.counts)

    def write(self, words: np.ndarray, at: np.ndarray, of_shard: Mapping[int, int]) -> np.ndarray:
        """Writes the position of each shard from word `at` [keys] on; the words behind them."""
        table = np.array([of_shard.get(shard, 0) for shard in range(SHARDS)])
        words[at[self._keys] + self._nth] = table[self._shards]
        return at + self.counts


def _write_lifetime(words: np.ndarray, at: np.ndarray, layout: Layout, groups: Groups, name: str) -> None:
    for slot, place in layout.lifetime.items():
        _write_slot(words, at + place, slot, groups.by_key(slot), name)


def _write_slot(words: np.ndarray, at: np.ndarray, slot: Slot, columns: tuple[np.ndarray, ...], name: str) -> None:
    if slot.function in ("count", "sum"):
        _refuse(columns[0], EXACT, slot, name)
    for offset, column in enumerate(columns):
        words[at + offset] = column if column.dtype == np.int64 else column.view(np.int64)


def _refuse(column: np.ndarray, most: int, slot: Slot, name: str) -> None:
    if len(column) and max(column.max(), -column.min()) > most:
        raise Overflow(
            f"view {name!r}, {slot.function} of {slot.column!r}: expected at most {most} in one batch and key, found "
            f"more; refuse such events at the door, or give the column a coarser scale"
        )


class _Ring:
    """The tiles of one ring, by key and ascending. counts: int64 [keys]."""

    def __init__(self, groups: Groups, tile: Tile, number: int, name: str) -> None:
        self.tile, self._name = tile, name
        self._tiles = groups.tiles(number, tile.kept)
        self.counts = self._tiles.counts

    def write(self, words: np.ndarray, at: np.ndarray) -> np.ndarray:
        """Writes them from word `at` [keys] on; the words behind them."""
        tiles, width = self._tiles, self.tile.width
        before = np.cumsum(self.counts) - self.counts
        places = np.repeat(at - width * before, self.counts) + width * np.arange(len(tiles.numbers))
        halves = words.view(np.uint32)
        halves[2 * places] = tiles.numbers
        for slot, place in self.tile.counts.items():
            (column,) = tiles.columns(slot)
            _refuse(column, MOST_COUNT, slot, self._name)
            halves[2 * places + place] = column
        for slot, place in self.tile.words.items():
            _write_slot(words, places + place, slot, tiles.columns(slot), self._name)
        return at + width * self.counts
