"""Items that go with the items a viewer acted on: a linear model from item to item, fitted to users.

A user with many acts counts by the root of their number, not by its square, so that those who watch everything do not
decide alone what goes with what.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.sparse import csr_array

from models.interactions import Interactions
from models.items import Items
from models.retrieval import linear
from models.retrieval.liking import liking
from models.retrieval.source import NOTHING, Found, StepsAside, best
from models.retrieval.standard import standard
from models.viewer import Moment, Viewer

RIDGE = 400.0


@dataclass(frozen=True)
class ItemItem:
    """weights: float32 [items, items], dense or sparse: what an act on the row's item says for the column's item."""

    weights: linear.Weights
    name: str = "item_item"

    @classmethod
    def fit(cls, acts: Interactions, items: Items) -> "ItemItem":
        """StepsAside where no user acted on two items."""
        cells = acts.matrix()
        if not len(acts) or np.diff(cells.indptr).max() < 2:
            raise StepsAside("item_item: needs users who acted on at least two items")
        return cls(linear.linear(users_rows(cells), RIDGE))

    def find(self, viewer: Viewer, moment: Moment, allowed: np.ndarray, most: int) -> Found:
        places, _ = liking(viewer, self.weights.shape[0])
        if not len(places):
            return NOTHING
        return best(standard(linear.summed(self.weights, places), allowed), allowed, most)

    def extended(self, items: Items) -> "ItemItem":
        """Itself: nobody acted on a new item before this was fitted, and it gets no score."""
        return self

    def save(self, folder: Path) -> None:
        linear.save(self.weights, folder / "item_item.npz")

    @classmethod
    def load(cls, folder: Path, items: Items) -> "ItemItem":
        return cls(linear.load(folder / "item_item.npz"))


def users_rows(cells: csr_array) -> csr_array:
    """A row a user that counts as the root of (mean number of items / own number)."""
    sizes = np.diff(cells.indptr)
    counts = np.sqrt(sizes[sizes > 0].mean() / np.maximum(sizes, 1))
    cells.data = np.repeat(np.sqrt(counts), sizes).astype(np.float32)
    return cells
