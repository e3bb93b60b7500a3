"""Stored values as numpy arrays: where each part of each value lies, and the aggregates of windows and lifetimes."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import pyarrow as pa

from streamrank.stores.connection import wire
from streamrank.stores.packing.errors import CorruptValue
from streamrank.stores.packing.heads import whole_of
from streamrank.windows.adding import Group, added
from streamrank.windows.layout import VERSION, WORD, Tile
from streamrank.windows.slots import Feature, Slot
from streamrank.windows.spec import WindowedView

EMPTY = {"count": (np.int64, 0), "sum": (np.int64, 0), "min": (np.float64, np.nan), "max": (np.float64, np.nan),
         "last": (np.float64, np.nan)}  # fmt: skip


def positions(values: pa.LargeBinaryArray, shards: int, never: int) -> np.ndarray:
    """int64 [n, shards] as `finishing.applied` describes it."""
    heads = heads_of(values)
    found = np.full((len(values), shards), never, np.int64)
    if len(heads.starts):
        touched = (heads.bitmap[:, None] >> np.arange(shards)) & 1
        rows, columns = np.nonzero(touched)
        nth = (np.cumsum(touched, axis=1) - 1)[rows, columns]
        found[heads.present[rows], columns] = heads.words[(heads.starts + heads.head)[rows] + nth]
    return found


@dataclass(slots=True)
class Heads:
    """words: all values, int64. rows: how many values. present: int64 [m], which of them are there; starts, ends: their
    words; head, bitmap, touched: of each of the m the words of its head, the shards, and how many they are. Nobody
    changes one."""

    words: np.ndarray
    rows: int
    present: np.ndarray
    starts: np.ndarray
    ends: np.ndarray
    head: np.ndarray
    bitmap: np.ndarray
    touched: np.ndarray

    def part(self, start: int, stop: int) -> "Heads":
        """Of the values start..stop."""
        at = slice(*np.searchsorted(self.present, (start, stop)).tolist())
        columns = (self.starts, self.ends, self.head, self.bitmap, self.touched)
        return Heads(self.words, stop - start, self.present[at] - start, *(column[at] for column in columns))


def heads_of(values: pa.LargeBinaryArray) -> Heads:
    """Of values [n], null where there is none. Raises ValueError where one was written in another format."""
    bounds = wire.offsets(values)
    lengths = bounds[1:] - bounds[:-1]
    words, present = _aligned(values, bounds), np.flatnonzero(lengths)
    in_words = (bounds - bounds[0]) >> 3
    starts, ends = in_words[:-1][present], in_words[1:][present]
    if np.count_nonzero(lengths & WORD - 1):
        raise ValueError("windowed value: expected whole words of 8 bytes, found another length; rebuild the view")
    first = words[starts]
    if np.count_nonzero(first & 0xFF != VERSION):
        raise ValueError(f"windowed value: expected version {VERSION}, found another; rebuild the view")
    bitmap = (first >> 16) & 0xFFFF
    touched = np.bitwise_count(bitmap).astype(np.int64)
    return Heads(words, len(values), present, starts, ends, (first >> 8) & 0xFF, bitmap, touched)


def heads_of_each(parts: Sequence[pa.LargeBinaryArray]) -> list[Heads]:
    """Of the values of each view; those that lie one behind the other in one array are read together."""
    whole = whole_of(parts)
    if whole is None:
        return [heads_of(part) for part in parts]
    heads, bounds = heads_of(whole), np.cumsum([0, *map(len, parts)]).tolist()
    return [heads.part(start, stop) for start, stop in pairwise(bounds)]


def _aligned(values: pa.LargeBinaryArray, bounds: np.ndarray) -> np.ndarray:
    data = values.buffers()[2]
    if data is None or bounds[-1] == bounds[0]:
        return np.zeros(0, np.int64)
    whole = np.frombuffer(data, np.uint8)[bounds[0] : bounds[-1]]
    part = whole[: len(whole) // WORD * WORD]
    return (part if (data.address + int(bounds[0])) % WORD == 0 else part.copy()).view(np.int64)


class Keys:
    """Aggregates of n values; a value that is null is an empty one."""

    def __init__(self, view: WindowedView, heads: Heads) -> None:
        """heads: of the values."""
        self._heads, self._layout = heads, view.layout
        self._rings: dict[int, _Tiles] = {}
        self._require_whole(view)

    def _require_whole(self, view: WindowedView) -> None:
        """Each value ends where its parts do: reading beyond would take the tiles of another key for its own."""
        heads, head = self._heads, self._layout.head
        whole = (heads.head == head) & (heads.ends - heads.starts >= head)
        if np.count_nonzero(whole) == len(whole):
            whole = self._ring_starts[-1] == heads.ends
        if np.count_nonzero(whole) < len(whole):
            row = int(heads.present[np.argmin(whole)])
            where = f"view {view.name!r}, windowed value {row} of {heads.rows}"
            raise CorruptValue(
                f"{where}: expected as many words as its parts take, found others; rebuild the view", row
            )

    def aggregate(self, feature: Feature, slot: Slot, at_us: int) -> np.ndarray:
        """The slot over the feature's window up to `at_us`: [n], counts and sums int64, others float64 or NaN."""
        dtype, nothing = EMPTY[slot.function]
        heads = self._heads
        if not len(heads.present):
            return np.full(heads.rows, nothing, dtype)
        found = self._lifetime(slot) if feature.slide_us is None else self._windowed(feature, slot, at_us)
        if len(found) == heads.rows:
            return found
        whole = np.full(heads.rows, nothing, dtype)
        whole[heads.present] = found
        return whole

    def added(self, group: Group, at_us: int) -> np.ndarray:
        """Counts and sums over several windows up to `at_us`: int64 [slots, n, windows] of the group."""
        heads, rings = self._heads, group.rings
        if len(heads.present) == heads.rows:
            return added(group, heads.words, self._ring_starts[rings.start], self._counts[rings], at_us)
        whole = np.zeros((len(group.slots), heads.rows, len(group.ring)), np.int64)
        if len(heads.present):
            found = added(group, heads.words, self._ring_starts[rings.start], self._counts[rings], at_us)
            whole[:, heads.present] = found
        return whole

    def _lifetime(self, slot: Slot) -> np.ndarray:
        place = self._after_head + self._layout.lifetime[slot] + (2 if slot.function == "last" else 0)
        words = self._heads.words[place]
        return words if slot.function in ("count", "sum") else words.view(np.float64)

    def _windowed(self, feature: Feature, slot: Slot, at_us: int) -> np.ndarray:
        now, tiles = at_us // feature.slide_us, self._tiles(self._layout.number(feature.slide_us))
        return tiles.over(slot, now - feature.window_us // feature.slide_us, now)

    @cached_property
    def _after_head(self) -> np.ndarray:
        return self._heads.starts + self._layout.head + self._heads.touched

    @cached_property
    def _ring_starts(self) -> np.ndarray:
        """Of each ring the first word in each value, and behind them the end: int64 [rings + 1, m]."""
        starts = np.empty((len(self._layout.tiles) + 1, len(self._heads.starts)), np.int64)
        starts[0] = self._after_head + self._layout.lifetime_words
        starts[1:] = self._counts * self._layout.widths
        return np.cumsum(starts, axis=0, out=starts)

    @cached_property
    def _counts(self) -> np.ndarray:
        """int64 [rings, m]: how many tiles each ring of each value has."""
        first = self._heads.starts * 4 + 2
        return self._heads.words.view(np.uint16)[first + self._layout.rings].astype(np.int64)

    def _tiles(self, number: int) -> "_Tiles":
        if number not in self._rings:
            tile, starts = self._layout.tiles[number], self._ring_starts[number]
            self._rings[number] = _Tiles(self._heads.words, tile, starts, self._counts[number])
        return self._rings[number]


class _Tiles:
    """The tiles of one ring of m keys, one after the other."""

    def __init__(self, words: np.ndarray, tile: Tile, starts: np.ndarray, counts: np.ndarray) -> None:
        self._words, self._tile = words, tile
        self._ends = np.cumsum(counts)
        self._begins = self._ends - counts
        total = int(self._ends[-1])
        self._places = np.zeros(total + 1, np.int64)  # of one more than there are, so that a range may end there
        self._places[:-1] = np.repeat(starts - tile.width * self._begins, counts) + tile.width * np.arange(total)
        self._halves = 2 * self._places
        self._numbers = words.view(np.uint32).take(self._halves[:-1])
        self._columns: dict[Slot, np.ndarray] = {}
        self._ranges: dict[tuple[int, int], tuple[np.ndarray, np.ndarray]] = {}

    def over(self, slot: Slot, oldest: int, newest: int) -> np.ndarray:
        """[m]: the slot over tiles oldest..newest of each key."""
        begins, ends = self._range(oldest, newest)
        column, empty = self._column(slot), begins == ends
        if slot.function == "last":
            return self._last(column, begins, ends)
        reduce = {"min": np.fmin, "max": np.fmax}.get(slot.function, np.add)
        bounds = np.empty(2 * len(begins), np.int64)
        bounds[::2], bounds[1::2] = begins, ends
        found = reduce.reduceat(column, bounds, dtype=EMPTY[slot.function][0])[::2]
        found[empty] = EMPTY[slot.function][1]  # of no tiles it gives some tile
        return found

    def _last(self, column: np.ndarray, begins: np.ndarray, ends: np.ndarray) -> np.ndarray:
        """Tiles ascend by event time, so it is in the newest one that holds any."""
        newest = np.maximum.accumulate(np.where(np.isnan(column), -1, np.arange(len(column))))
        place = newest[np.maximum(ends - 1, 0)]
        return np.where((ends > begins) & (place >= begins), column[place], np.nan)

    def _range(self, oldest: int, newest: int) -> tuple[np.ndarray, np.ndarray]:
        if (oldest, newest) not in self._ranges:
            begins = self._begins + self._counted(self._numbers < oldest)
            ends = self._ends - self._counted(self._numbers > newest)
            self._ranges[oldest, newest] = begins, np.maximum(ends, begins)
        return self._ranges[oldest, newest]

    def _counted(self, chosen: np.ndarray) -> np.ndarray:
        """int64 [m]: how many of each key's tiles are chosen."""
        if not np.count_nonzero(chosen):
            return np.zeros(len(self._begins), np.int64)
        running = np.concatenate([[0], np.cumsum(chosen)])
        return running[self._ends] - running[self._begins]

    def _column(self, slot: Slot) -> np.ndarray:
        """The slot of every tile, and one value more."""
        if slot not in self._columns:
            self._columns[slot] = self._read(slot)
        return self._columns[slot]

    def _read(self, slot: Slot) -> np.ndarray:
        if slot.function == "count":
            return self._words.view(np.uint32)[self._tile.counts[slot] :].take(self._halves)
        place = self._tile.words[slot] + (2 if slot.function == "last" else 0)
        return self._words.view(EMPTY[slot.function][0])[place:].take(self._places)
