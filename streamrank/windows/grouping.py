"""Rows grouped by key and tile: one sort by key and event time serves the tiles of every ring."""

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from streamrank.windows.errors import Overflow
from streamrank.windows.layout import EXACT
from streamrank.windows.slots import Slot
from streamrank.windows.spec import WindowedView

Columns = tuple[np.ndarray, ...]
MOST_INT64 = 2**62


def grouped(view: WindowedView, rows: pa.Table) -> "Groups":
    """`rows` as `spec.event_rows` gives them, at least one, in one chunk."""
    keys = _key_numbers([rows[name] for name in view.join_keys])
    event_us = rows["event_us"].to_numpy()
    order = _order(keys, event_us)
    return Groups(view, rows, order, keys[order], event_us[order])


def _key_numbers(columns: list[pa.ChunkedArray]) -> np.ndarray:
    """int64 [n]: equal for equal keys."""
    numbers = np.zeros(len(columns[0]), np.int64)
    for column in columns:
        encoded = pc.dictionary_encode(column.combine_chunks())
        encoded = encoded.combine_chunks() if isinstance(encoded, pa.ChunkedArray) else encoded
        numbers = numbers * len(encoded.dictionary) + encoded.indices.to_numpy().astype(np.int64)
        if len(columns) > 2:  # so that the product stays small
            numbers = np.unique(numbers, return_inverse=True)[1]
    return numbers


def _order(keys: np.ndarray, event_us: np.ndarray) -> np.ndarray:
    first, span = int(event_us.min()), int(event_us.max() - event_us.min()) + 1
    if span < 2**62 // (int(keys.max()) + 1):
        return np.argsort(keys * span + (event_us - first))
    return np.lexsort((event_us, keys))


class Groups:
    """one_row: int64 [keys], a row of each key. shards: uint16 [keys], a bit for each shard that has rows of it.

    The rows are first reduced to pieces: rows of one key that lie in the same tile of every ring.
    """

    def __init__(
        self, view: WindowedView, rows: pa.Table, order: np.ndarray, keys: np.ndarray, event_us: np.ndarray
    ) -> None:
        self._rows, self._order, self._event_us = rows, order, event_us
        self._slots = {slot: f"slot_{number}" for number, slot in enumerate(view.slots)}
        tiles = [event_us // ring.slide_us for ring in view.rings]
        new_key = _changes(keys)
        cut = np.logical_or.reduce([new_key, *(_changes(column) for column in tiles)])
        self._pieces = np.flatnonzero(cut)
        self._tiles = [column[self._pieces] for column in tiles]
        self._new_key = new_key[self._pieces]
        self._keys = np.flatnonzero(self._new_key)
        self.one_row = order[np.flatnonzero(new_key)]
        bits = np.uint16(1) << rows["shard"].to_numpy()[order].astype(np.uint16)
        self.shards = np.bitwise_or.reduceat(bits, np.flatnonzero(new_key))
        self._reduced: dict[Slot, Columns] = {}

    def by_key(self, slot: Slot) -> Columns:
        """[keys] of each of the slot's words."""
        return _reduced(slot, self._pieced(slot), self._keys)

    def tiles(self, number: int, kept: int) -> "Tiles":
        """The tiles of a ring by key, ascending, without those older than `kept` before the newest of the key."""
        cut = np.flatnonzero(self._new_key | _changes(self._tiles[number]))
        numbers = self._tiles[number][cut]
        first = np.flatnonzero(self._new_key[cut])
        counts = np.diff(np.append(first, len(cut)))
        newest = np.repeat(numbers[first + counts - 1], counts)
        stays = numbers >= np.maximum(newest - kept, 0)  # a tile's number is unsigned: before 1970 there is none
        counts = np.add.reduceat(stays, first, dtype=np.int64)
        return Tiles(
            numbers[stays], counts, lambda slot: tuple(c[stays] for c in _reduced(slot, self._pieced(slot), cut))
        )

    def _pieced(self, slot: Slot) -> Columns:
        if slot not in self._reduced:
            column = self._rows[self._slots[slot]].to_numpy()[self._order]
            if slot.function == "last":
                positions = self._rows["log_position"].to_numpy()[self._order]
                self._reduced[slot] = _reduced(slot, (self._event_us, positions, column), self._pieces)
            else:
                if slot.function in ("count", "sum"):
                    _refuse_inexact(slot, column)
                self._reduced[slot] = _reduced(slot, (column,), self._pieces)
        return self._reduced[slot]


class Tiles:
    """numbers: int64 [tiles]. counts: int64 [keys]. columns: [tiles] of each of a slot's words."""

    def __init__(self, numbers: np.ndarray, counts: np.ndarray, columns: Callable[[Slot], Columns]) -> None:
        self.numbers, self.counts, self.columns = numbers, counts, columns


def _changes(column: np.ndarray) -> np.ndarray:
    """bool [n]: where a value differs from the one before; the first does."""
    changed = np.ones(len(column), np.bool_)
    np.not_equal(column[1:], column[:-1], out=changed[1:])
    return changed


def _reduced(slot: Slot, columns: Columns, starts: np.ndarray) -> Columns:
    if slot.function == "last":
        return _lasts(*columns, starts)
    reduce = {"min": np.fmin, "max": np.fmax}.get(slot.function, np.add)
    return (reduce.reduceat(columns[0], starts),)


def _lasts(event_us: np.ndarray, positions: np.ndarray, values: np.ndarray, starts: np.ndarray) -> Columns:
    """Of each group the greatest (event time, position, value); of nothing but NaN: 0, 0, NaN."""
    groups = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(values))))
    held = np.flatnonzero(~np.isnan(values))
    order = held[np.lexsort((values[held], positions[held], event_us[held], groups[held]))]
    ends = np.flatnonzero(np.append(_changes(groups[order])[1:], True)) if len(order) else order
    found = np.zeros(len(starts), np.int64), np.zeros(len(starts), np.int64), np.full(len(starts), np.nan)
    for target, column in zip(found, (event_us, positions, values), strict=True):
        target[groups[order][ends]] = column[order][ends]
    return found


def _refuse_inexact(slot: Slot, column: np.ndarray) -> None:
    """Raises Overflow where sums of these values could leave int64, in which they are checked later."""
    most = max(int(column.max()), -int(column.min()))
    if most > EXACT or (most * len(column) > MOST_INT64 and np.abs(column).astype(np.float64).sum() > MOST_INT64):
        raise Overflow(
            f"sum of {slot.column!r}: expected values up to {EXACT} and fewer of them in a batch, found {most} in "
            f"{len(column)} rows; refuse them at the door, or give the column a coarser scale"
        )
