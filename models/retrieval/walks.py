"""Where a walk from a viewer's items leads: to somebody who acted on one, and on to another of theirs.

Three steps between users and items with popular ends held back (RP3beta: Paudel et al. 2017), the likeliest ends of
each item. Of all that look at pairs of items this one gives those who did little the most say.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from implicit.nearest_neighbours import all_pairs_knn
from scipy.sparse import csr_array, csr_matrix

from models.interactions import Interactions
from models.items import Items
from models.retrieval import linear
from models.retrieval.liking import liking
from models.retrieval.source import NOTHING, Found, StepsAside, best
from models.retrieval.standard import standard
from models.viewer import Moment, Viewer


@dataclass(frozen=True)
class Walks:
    """weights: float32 sparse [items, items], from an item to where walks end."""

    weights: csr_array
    name: str = "walks"

    @classmethod
    def fit(cls, acts: Interactions, items: Items) -> "Walks":
        """StepsAside where no user acted on two items."""
        cells = acts.matrix()
        if not len(acts) or np.diff(cells.indptr).max() < 2:
            raise StepsAside("walks: needs users who acted on at least two items")
        return cls(_walked(cells))

    def find(self, viewer: Viewer, moment: Moment, allowed: np.ndarray, most: int) -> Found:
        places, _ = liking(viewer, self.weights.shape[0])
        if not len(places):
            return NOTHING
        return best(standard(linear.summed(self.weights, places), allowed), allowed, most)

    def extended(self, items: Items) -> "Walks":
        """Itself: no walk led to a new item yet."""
        return self

    def save(self, folder: Path) -> None:
        linear.save(self.weights, folder / "walks.npz")

    @classmethod
    def load(cls, folder: Path, items: Items) -> "Walks":
        return cls(linear.load(folder / "walks.npz"))


def _walked(cells: csr_array) -> csr_array:
    """Sum over users of 1 / (their items * users of the first item * root of the users of the second)."""
    users, of_item = np.diff(cells.indptr), np.bincount(cells.indices, minlength=cells.shape[1])
    steps = 1 / np.sqrt(np.repeat(users, users) * of_item[cells.indices])
    even = csr_matrix((steps, cells.indices, cells.indptr), shape=cells.shape)
    near = csr_matrix(all_pairs_knn(even, linear.NEIGHBOURS + 1, show_progress=False))
    near.setdiag(0)
    near.eliminate_zeros()
    near.sort_indices()
    rows = np.repeat(of_item, np.diff(near.indptr))
    return csr_array(((near.data / np.sqrt(rows)).astype(np.float32), near.indices, near.indptr), shape=near.shape)
