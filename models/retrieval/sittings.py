"""Items that are acted on in one sitting: the linear model of `item_item`, fitted to users and to their sittings.

What somebody does within minutes has more in common (a row of a page, a series, a mood) than what they do in a year.
A sitting ends where the time to the next act is longer than usual.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.sparse import csr_array, vstack

from models.interactions import Interactions
from models.items import Items
from models.retrieval import linear
from models.retrieval.in_time import by_user, usual_gap
from models.retrieval.item_item import users_rows
from models.retrieval.liking import liking
from models.retrieval.source import NOTHING, Found, best
from models.retrieval.standard import standard
from models.viewer import Moment, Viewer

RIDGE = 600.0
COUNTS = 2.0  # of a sitting beside a user's 1


@dataclass(frozen=True)
class Sittings:
    """weights: float32 [items, items], dense or sparse: what an act on the row's item says for the column's item."""

    weights: linear.Weights
    name: str = "sittings"

    @classmethod
    def fit(cls, acts: Interactions, items: Items) -> "Sittings":
        """StepsAside where times do not tell sittings apart."""
        ordered = by_user(acts)
        gap = usual_gap(ordered, cls.name)
        rows = vstack([users_rows(acts.matrix()), _sittings(ordered, gap)])
        return cls(linear.linear(csr_array(rows), RIDGE))

    def find(self, viewer: Viewer, moment: Moment, allowed: np.ndarray, most: int) -> Found:
        places, _ = liking(viewer, self.weights.shape[0])
        if not len(places):
            return NOTHING
        return best(standard(linear.summed(self.weights, places), allowed), allowed, most)

    def extended(self, items: Items) -> "Sittings":
        """Itself: a new item was in no sitting yet."""
        return self

    def save(self, folder: Path) -> None:
        linear.save(self.weights, folder / "sittings.npz")

    @classmethod
    def load(cls, folder: Path, items: Items) -> "Sittings":
        return cls(linear.load(folder / "sittings.npz"))


def _sittings(ordered: Interactions, gap: float) -> csr_array:
    """A row a sitting."""
    begins = np.ones(len(ordered), bool)
    begins[1:] = (np.diff(ordered.users) != 0) | (np.diff(ordered.times) > gap)
    sitting = np.cumsum(begins) - 1
    cells = csr_array((np.ones(len(ordered)), (sitting, ordered.items)), shape=(sitting[-1] + 1, ordered.shape[1]))
    cells.sum_duplicates()
    cells.data = np.full(len(cells.data), np.sqrt(COUNTS), np.float32)
    return cells
