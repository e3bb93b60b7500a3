"""What is watched next: items that users act on soon after an item, by order and by time.

A pair (item, later item of the same user) counts the more the fewer acts lie between them and the shorter the time
between them, measured in the data's own typical gap, so that seconds, days and mere orders are all served.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.sparse import csr_array

from models.interactions import Interactions
from models.items import Items
from models.retrieval import linear
from models.retrieval.cells import cells_of
from models.retrieval.in_time import by_user, pairs, usual_gap
from models.retrieval.source import NOTHING, Found, best
from models.retrieval.standard import standard
from models.viewer import Moment, Viewer

STEPS = 10  # acts ahead
LATEST = 30  # acts of a viewer that are looked at
FADING = 0.9  # of each act before the latest


@dataclass(frozen=True)
class Transitions:
    """weights: float32 sparse [items, items], from an item to those acted on after it."""

    weights: csr_array
    name: str = "transitions"

    @classmethod
    def fit(cls, acts: Interactions, items: Items) -> "Transitions":
        """StepsAside where the acts of a user mostly have one time, so that no order can be known."""
        ordered = by_user(acts)
        gap = usual_gap(ordered, cls.name)
        after = pairs(ordered, STEPS, lambda step, apart: 1 / (step * (1 + np.log1p(apart / gap))))
        return cls(linear.nearest(_lifted(after)))

    def find(self, viewer: Viewer, moment: Moment, allowed: np.ndarray, most: int) -> Found:
        latest = viewer.items[viewer.items < self.weights.shape[0]][-LATEST:]
        if not len(latest):
            return NOTHING
        fading = FADING ** np.arange(len(latest))[::-1].astype(np.float32)
        cells, lengths = cells_of(self.weights.indptr, latest)
        told = self.weights.data[cells] * np.repeat(fading, lengths)
        scores = np.bincount(self.weights.indices[cells], told, minlength=self.weights.shape[0]).astype(np.float32)
        scores[scores == 0] = np.nan
        return best(standard(scores, allowed), allowed, most)

    def extended(self, items: Items) -> "Transitions":
        """Itself: nothing was watched before or after a new item yet."""
        return self

    def save(self, folder: Path) -> None:
        linear.save(self.weights, folder / "transitions.npz")

    @classmethod
    def load(cls, folder: Path, items: Items) -> "Transitions":
        return cls(linear.load(folder / "transitions.npz"))


def _lifted(pairs: csr_array) -> csr_array:
    """Each pair over the geometric mean of how often its items lead and follow: the popular do not follow all."""
    leads, follows = pairs.sum(axis=1), pairs.sum(axis=0)
    rows = np.repeat(np.arange(pairs.shape[0]), np.diff(pairs.indptr))
    pairs.data = (pairs.data / np.sqrt(leads[rows] * follows[pairs.indices])).astype(np.float32)
    return pairs
