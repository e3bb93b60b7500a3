"""Counts and sums over all windows of a view at once.

Rings whose tiles are alike lie one behind the other in a value, so that their tiles are read together, added up in one
running total, and every window is the difference of two of its places.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from streamrank.windows.layout import Layout, Tile
from streamrank.windows.slots import Feature, Slot

ADDITIVE = ("count", "sum", "mean")


@dataclass(frozen=True)
class Group:
    """Windows over rings with tiles that are alike. rings: of the layout. slots: what is added up.

    in_halves, in_words: places among the slots of counts, u32, and of sums, i64; halves, words: where they lie in a
    tile, [n, 1]. ring, slide_us, length: of each window, the ring counted from the group's first, the length in tiles.
    of_slot, of_window, places: of the features that are a slot as it is, and where they go. others: place, feature and
    window of those that are made of several slots or in another scale.
    """

    rings: slice
    width: int
    slots: Sequence[Slot]
    in_halves: np.ndarray
    halves: np.ndarray
    in_words: np.ndarray
    words: np.ndarray
    ring: np.ndarray
    slide_us: np.ndarray
    length: np.ndarray
    of_slot: np.ndarray
    of_window: np.ndarray
    places: np.ndarray
    others: Sequence[tuple[int, Feature, int]]


def groups_of(layout: Layout, features: Sequence[tuple[int, Feature]], scales: Mapping[str, int]) -> list[Group]:
    """How features of counts and sums over windows are answered; each comes with its place."""
    found, start = [], 0
    for _, alike in groupby(layout.tiles, key=_shape):
        tiles = list(alike)
        rings = slice(start, start + len(tiles))
        slides = [tile.ring.slide_us for tile in tiles]
        own = [(place, feature) for place, feature in features if feature.slide_us in slides]
        if own:
            found.append(_group(rings, tiles[0], slides, own, scales))
        start = rings.stop
    return found


def _shape(tile: Tile) -> tuple:
    return tile.width, sorted(tile.counts.items()), sorted(tile.words.items())


def _group(
    rings: slice, tile: Tile, slides: list[int], features: list[tuple[int, Feature]], scales: Mapping[str, int]
) -> Group:
    windows = list(dict.fromkeys((feature.slide_us, feature.window_us) for _, feature in features))
    slots = list(dict.fromkeys(slot for _, feature in features for slot in feature.slots))
    at = {window: number for number, window in enumerate(windows)}
    placed = [(place, feature, at[feature.slide_us, feature.window_us]) for place, feature in features]
    whole = [each for each in placed if each[1].function != "mean" and each[1].column not in scales]
    in_halves = [number for number, slot in enumerate(slots) if slot in tile.counts]
    in_words = [number for number, slot in enumerate(slots) if slot not in tile.counts]
    return Group(
        rings=rings, width=tile.width, slots=slots,
        in_halves=_row(in_halves), halves=_row(tile.counts[slots[number]] for number in in_halves)[:, None],
        in_words=_row(in_words), words=_row(tile.words[slots[number]] for number in in_words)[:, None],
        ring=_row(slides.index(slide_us) for slide_us, _ in windows),
        slide_us=_row(slide_us for slide_us, _ in windows),
        length=_row(window_us // slide_us for slide_us, window_us in windows),
        of_slot=_row(slots.index(feature.slots[0]) for _, feature, _ in whole),
        of_window=_row(window for *_, window in whole), places=_row(place for place, *_ in whole),
        others=[each for each in placed if each not in whole],
    )  # fmt: skip


def _row(numbers) -> np.ndarray:
    return np.array(list(numbers), np.int64)


def added(group: Group, words: np.ndarray, starts: np.ndarray, counts: np.ndarray, at_us: int) -> np.ndarray:
    """int64 [slots, m, windows] of m values, up to `at_us`; sums may wrap around.

    words: all values. starts: int64 [m], the first word of the group's rings in each. counts: int64 [rings, m], how
    many tiles each ring has.
    """
    of_value = counts.sum(axis=0)
    total, values = int(of_value.sum()), len(starts)
    if not total:
        return np.zeros((len(group.slots), values, len(group.ring)), np.int64)
    first = starts - group.width * (np.cumsum(of_value) - of_value)
    places = np.repeat(first, of_value) + group.width * np.arange(total)
    halves, half_words = 2 * places, words.view(np.uint32)
    begins, ends = _ranges(group, half_words.take(halves), counts, at_us)
    totals = np.zeros((len(group.slots), total + 1), np.int64)
    if len(group.in_halves):
        totals[group.in_halves, 1:] = half_words.take(group.halves + halves)
    if len(group.in_words):
        totals[group.in_words, 1:] = words.take(group.words + places)
    np.cumsum(totals, axis=1, out=totals)
    return totals.take(ends, axis=1) - totals.take(begins, axis=1)


def _ranges(group: Group, numbers: np.ndarray, counts: np.ndarray, at_us: int) -> tuple[np.ndarray, np.ndarray]:
    """int64 [m, windows]: the tiles begin..end of each value that lie in each window; numbers: of all tiles, u32."""
    behind = np.cumsum(counts.T).reshape(counts.shape[::-1])[:, group.ring]
    newest = at_us // group.slide_us
    begins = behind - counts.T[:, group.ring]
    old = _counted(numbers < (newest - group.length)[:, None], begins, behind)
    if not np.count_nonzero((numbers[behind - 1] > newest) & (behind > begins)):  # tiles ascend, the last is the newest
        return begins + old, behind
    begins = begins + old
    return begins, np.maximum(behind - _counted(numbers > newest[:, None], begins, behind), begins)


def _counted(chosen: np.ndarray, begins: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """int64 [m, windows]: how many of the tiles begin..end are chosen, bool [windows, tiles]."""
    running = np.zeros((len(chosen), chosen.shape[1] + 1), np.int64)
    np.cumsum(chosen, axis=1, out=running[:, 1:])
    window = np.arange(len(chosen))
    return running[window, ends] - running[window, begins]
