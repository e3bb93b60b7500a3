"""How a key's value lies in the store: little-endian, in words of 8 bytes.

    head       u8 version, u8 words of the head, u16 bitmap of the shards that touched the key, u16 tiles of each ring
    positions  i64 for each set bit, ascending: the last position of the shard that is applied
    lifetime   a word for each slot, three for a `last`
    rings      ascending by slide; of each its tiles, ascending: u32 tile, u32 for each count, padding, the other slots

A tile is floor(event time / slide); only tiles that hold something are there. Words of slots: sum i64 in fixed
point, min and max f64, last i64 event time, i64 position and f64; NaN where there is nothing. A count is i64 in a
lifetime.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from streamrank.windows.slots import Ring, Slot

VERSION = 1
WORD = 8
EXACT = 2**53 - 1  # Lua counts in doubles; the next integer may be the rounding of another
WORDS = {"count": 1, "sum": 1, "min": 1, "max": 1, "last": 3}


@dataclass(frozen=True)
class Tile:
    """A tile of one ring. width: words. counts: of each count its u32 within the tile; words: of others their word."""

    ring: Ring
    width: int
    counts: Mapping[Slot, int]
    words: Mapping[Slot, int]

    @property
    def kept(self) -> int:
        """How many tiles before the newest are kept: one more than a window takes, for a clock slightly ahead."""
        return self.ring.tiles + 1


@dataclass(frozen=True)
class Layout:
    """head: words of it. lifetime: of each slot its first word behind the positions; lifetime_words: of all."""

    head: int
    lifetime: Mapping[Slot, int]
    lifetime_words: int
    tiles: tuple[Tile, ...]

    @cached_property
    def rings(self) -> np.ndarray:
        """int64 [rings, 1]: their numbers."""
        return np.arange(len(self.tiles))[:, None]

    @cached_property
    def widths(self) -> np.ndarray:
        """int64 [rings, 1]: words of a tile of each ring."""
        return np.array([tile.width for tile in self.tiles], np.int64).reshape(-1, 1)

    def number(self, slide_us: int) -> int:
        """Of the ring with this slide."""
        return next(n for n, tile in enumerate(self.tiles) if tile.ring.slide_us == slide_us)


@lru_cache
def layout_of(rings: tuple[Ring, ...], lifetime: tuple[Slot, ...]) -> Layout:
    """The layout of a view's values."""
    words, total = _places(lifetime, 0)
    return Layout(-(-(4 + 2 * len(rings)) // WORD), words, total, tuple(_tile(ring) for ring in rings))


def _tile(ring: Ring) -> Tile:
    counts = {slot: place for place, slot in enumerate((s for s in ring.slots if s.function == "count"), start=1)}
    head = -(-(1 + len(counts)) // 2)
    words, width = _places(tuple(slot for slot in ring.slots if slot not in counts), head)
    return Tile(ring, width, counts, words)


def _places(slots: tuple[Slot, ...], start: int) -> tuple[dict[Slot, int], int]:
    places = {}
    for slot in slots:
        places[slot] = start
        start += WORDS[slot.function]
    return places, start
