"""What a viewer visited before, by plain counts: how often, and how lately.

`again` weighs these signs into one score; a ranker that sees them beside it weighs them by all else that it knows, such
as how much an item is watched by others, and how far a first visit is behind a return.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from models.interactions import Interactions
from models.items import Items
from models.retrieval.again import LATEST, not_returned_to
from models.retrieval.habit import visits
from models.retrieval.some import among
from models.retrieval.source import NOTHING, Found, StepsAside
from models.viewer import Moment, Viewer


@dataclass(frozen=True)
class _OwnVisits:
    """Of the visits that are known of a viewer; what they never visited is not scored."""

    name: ClassVar[str]

    @classmethod
    def fit(cls, acts: Interactions, items: Items) -> Self:
        """StepsAside where nearly no visit is a return, as `again`."""
        if why := not_returned_to(acts):
            raise StepsAside(f"{cls.name}: {why}")
        return cls()

    def find(self, viewer: Viewer, moment: Moment, allowed: np.ndarray, most: int) -> Found:
        items, times = viewer.items[-LATEST:], viewer.times[-LATEST:]
        if not len(items):
            return NOTHING
        visited = items[visits(items, times)]
        places, own = np.unique(visited, return_inverse=True)
        last = np.zeros(len(places), np.int64)
        last[own] = np.arange(len(own))  # of equal places the last assignment stands
        return among(places, self._scores(np.bincount(own), len(own) - last).astype(np.float32), allowed, most)

    def _scores(self, counts: np.ndarray, ago: np.ndarray) -> np.ndarray:
        """float64 [items]. counts: visits to each. ago: how many visits ago the last one was, from 1."""
        raise NotImplementedError

    def extended(self, items: Items) -> Self:
        """Itself: nobody visited a new item."""
        return self

    def save(self, folder: Path) -> None:
        """There is nothing to keep."""

    @classmethod
    def load(cls, folder: Path, items: Items) -> Self:
        return cls()


class Often(_OwnVisits):
    """The logarithm of the number of visits; of as many the last visited first."""

    name = "often"

    def _scores(self, counts: np.ndarray, ago: np.ndarray) -> np.ndarray:
        return np.log(counts + 1 / (1.0 + ago))


class Lately(_OwnVisits):
    """The item that was visited last first, then the one before."""

    name = "lately"

    def _scores(self, counts: np.ndarray, ago: np.ndarray) -> np.ndarray:
        return -np.log(ago)
