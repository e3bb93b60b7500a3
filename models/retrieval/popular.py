"""What has been watched most of all that is known, however long ago: what comes on air again is known by it at once,
while nothing of it is watched lately."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models.interactions import Interactions
from models.items import Items
from models.retrieval.again import not_returned_to
from models.retrieval.source import NOTHING, Found, StepsAside, best
from models.viewer import Moment, Viewer


@dataclass(frozen=True)
class Popular:
    """scores: float32 [items], the logarithm of acts; NaN for an item without one."""

    scores: np.ndarray
    name: str = "popular"

    @classmethod
    def fit(cls, acts: Interactions, items: Items) -> "Popular":
        """StepsAside where nearly no visit is a return, as `again`: nothing comes again there, and what is watched
        lately tells more."""
        if why := not_returned_to(acts):
            raise StepsAside(f"popular: {why}")
        counts = np.bincount(acts.items, minlength=len(items)).astype(np.float32)
        return cls(np.log(np.where(counts > 0, counts, np.float32(np.nan))))

    def find(self, viewer: Viewer, moment: Moment, allowed: np.ndarray, most: int) -> Found:
        if not len(viewer.items) and not moment.recent.any():
            return NOTHING
        return best(self.scores, allowed, most)

    def extended(self, items: Items) -> "Popular":
        """Itself: nobody watched a new item."""
        return self

    def save(self, folder: Path) -> None:
        np.save(folder / "popular.npy", self.scores, allow_pickle=False)

    @classmethod
    def load(cls, folder: Path, items: Items) -> "Popular":
        return cls(np.load(folder / "popular.npy", allow_pickle=False))
