"""How high a viewer would rate an item: what people rate is what they chose, and that they choose well. It proposes
nothing: it says of what others found how good it is, and how good for them.

An item's mean, drawn to everybody's, and what the viewer's other ratings say besides: a ridge regression from item to
item of what is left of ratings after the means of users and items.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.sparse import csr_array

from models.interactions import Interactions
from models.items import Items
from models.retrieval import linear
from models.retrieval.said import said_only
from models.retrieval.source import NOTHING, Found, StepsAside
from models.viewer import Moment, Viewer

RIDGE = 300.0
DRAWN = 5.0  # ratings at the mean, from which those of a user and of an item start
FEWEST = 0.2  # of acts, that must bring a rating


@dataclass(frozen=True)
class Rated:
    """mean: of all ratings. of_items: float32 [items], above it. weights: float32 [items, items], what a rating of the
    row's item above what was to be expected says for the column's item."""

    mean: float
    of_items: np.ndarray
    weights: np.ndarray
    name: str = "rated"

    @classmethod
    def fit(cls, acts: Interactions, items: Items) -> "Rated":
        """StepsAside where ratings are few or all the same, or where there are too many items for a dense matrix."""
        if len(items) > linear.DENSE:
            raise StepsAside(f"rated: takes at most {linear.DENSE:,} items, found {len(items):,}")
        rated = acts.only(~np.isnan(acts.ratings))
        if len(rated) < max(FEWEST * len(acts), 2) or np.ptp(rated.ratings) == 0:
            raise StepsAside(f"rated: {len(rated):,} of {len(acts):,} acts bring a rating, or all the same")
        mean = float(rated.ratings.mean())
        above = rated.ratings.astype(np.float64) - mean
        above -= _drawn(rated.users, above, acts.shape[0])[rated.users]
        of_items = _drawn(rated.items, above, len(items))
        above -= of_items[rated.items]
        cells = csr_array((above.astype(np.float32), (rated.users, rated.items)), shape=acts.shape)
        return cls(mean, of_items.astype(np.float32), linear.linear(cells, RIDGE))

    def find(self, viewer: Viewer, moment: Moment, allowed: np.ndarray, most: int) -> Found:
        known = (viewer.items < len(self.of_items)) & ~np.isnan(viewer.ratings)
        places, ratings = viewer.items[known], viewer.ratings[known]
        if not len(places):
            return NOTHING
        above = ratings - np.float32(self.mean)
        above -= above.sum() / np.float32(len(above) + DRAWN) + self.of_items[places]
        return said_only(self.of_items + above @ self.weights[places])

    def extended(self, items: Items) -> "Rated":
        """Itself: nobody rated a new item."""
        return self

    def save(self, folder: Path) -> None:
        np.savez(folder / "rated.npz", mean=self.mean, of_items=self.of_items, weights=self.weights)

    @classmethod
    def load(cls, folder: Path, items: Items) -> "Rated":
        with np.load(folder / "rated.npz", allow_pickle=False) as stored:
            return cls(float(stored["mean"]), stored["of_items"], stored["weights"])


def _drawn(which: np.ndarray, values: np.ndarray, count: int) -> np.ndarray:
    """float64 [count]: the mean of the values of each, as if DRAWN more were 0."""
    return np.bincount(which, values, minlength=count) / (np.bincount(which, minlength=count) + DRAWN)
