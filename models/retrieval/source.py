"""The contract of a source of candidates: fitted to the past, asked for one viewer at one moment.

The same code answers a request and makes a training row, so that the two cannot differ: sources are asked viewer by
viewer in both. New items have places behind those that a source was fitted on; it scores them if it can.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

import numpy as np

from models.interactions import Interactions
from models.items import Items
from models.viewer import Moment, Viewer

SAMPLED = 16  # one value in so many shows where the best begin


class StepsAside(Exception):
    """A source lacks what it needs of this data set; the message says what, and all else goes on without it."""


@dataclass(frozen=True)
class Found:
    """What a source proposes: places int64 [n], each once, best first; scores float32 [n], falling.

    of: the source's score of any places, int64 [m] -> float32 [m], NaN where it has nothing to say: what the ranker
    sees of candidates that other sources found.
    """

    places: np.ndarray
    scores: np.ndarray
    of: Callable[[np.ndarray], np.ndarray]


NOTHING = Found(np.zeros(0, np.int64), np.zeros(0, np.float32), lambda places: np.full(len(places), np.nan, np.float32))


class Source(Protocol):
    """name: a word, the prefix of its two features for the ranker: `<name>_score`, `<name>_rank`."""

    name: str

    @classmethod
    def fit(cls, acts: Interactions, items: Items) -> Self:
        """Learns from the acts, all of the past; StepsAside where they do not hold what it needs. Fixed seeds."""

    def find(self, viewer: Viewer, moment: Moment, allowed: np.ndarray, most: int) -> Found:
        """The best `most` of the items that are `allowed`, bool [items]. Thread-safe; never changes the source."""

    def extended(self, items: Items) -> Self:
        """The same source for a catalogue that has new items behind the old ones."""

    def save(self, folder: Path) -> None:
        """Writes all that `load` needs into `folder`, which exists and is its own. No pickles."""

    @classmethod
    def load(cls, folder: Path, items: Items) -> Self: ...


def best(scores: np.ndarray, allowed: np.ndarray, most: int) -> Found:
    """Of a score for each item, float32 [items] with NaN for none: the best that are allowed, ties by place."""
    falling = np.where(allowed[: len(scores)], -scores, np.nan)
    places = _promising(falling, most)
    falling = falling[places]
    if len(places) > most:
        kept = _least(falling, most)
        places, falling = places[kept], falling[kept]
    order = np.argsort(falling, kind="stable")
    return Found(places[order], -falling[order], lambda places: _taken(scores, places))


def _promising(values: np.ndarray, most: int) -> np.ndarray:
    """Places, ascending, of all values up to some bar, at least `most`; of all that are no NaN where they are few.

    A sample tells nearly all that are too great, so that little is left to partition.
    """
    sample, rank = values[::SAMPLED], 2 * most // SAMPLED + SAMPLED
    if rank < len(sample):
        near = np.flatnonzero(values <= np.partition(sample, rank)[rank])  # none up to NaN, which is sorted last
        if len(near) >= most:
            return near
    return np.flatnonzero(~np.isnan(values))


def _least(values: np.ndarray, most: int) -> np.ndarray:
    """Places, ascending, of the `most` least values, of equal ones the first. most: less than there are.

    The least are asked for, as numpy's partition is slow where the greatest are and many values are equal.
    """
    bar = np.partition(values, most - 1)[most - 1] if most else -np.inf
    below, equal = np.flatnonzero(values < bar), np.flatnonzero(values == bar)
    return np.sort(np.concatenate([below, equal[: most - len(below)]]))


def _taken(scores: np.ndarray, places: np.ndarray) -> np.ndarray:
    inside = places < len(scores)
    found = np.full(len(places), np.nan, np.float32)
    found[inside] = scores[places[inside]]
    return found
