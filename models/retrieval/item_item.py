"""Items that go with the items a viewer acted on: a linear model from item to item.

Where items are few it is EASE (Steck 2019, "Embarrassingly shallow autoencoders for sparse data"), a ridge regression
of each item on all others in closed form. Beyond DENSE items that matrix is too large to hold and to invert, and the
nearest items by cosine take its place (Sarwar et al. 2001), NEIGHBOURS of each.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from implicit.nearest_neighbours import all_pairs_knn
from scipy.linalg import lapack
from scipy.sparse import csr_array, csr_matrix
from threadpoolctl import threadpool_limits

from models.interactions import Interactions
from models.items import Items
from models.retrieval.liking import liking
from models.retrieval.source import NOTHING, Found, StepsAside, best
from models.viewer import Moment, Viewer

DENSE = 5_000  # items; 100 MB
RIDGE = 300.0
NEIGHBOURS = 200


@dataclass(frozen=True)
class ItemItem:
    """weights: float32 [items, items], dense or sparse: what an act on the row's item says for the column's item."""

    weights: np.ndarray | csr_array
    name: str = "item_item"

    @classmethod
    def fit(cls, acts: Interactions, items: Items) -> "ItemItem":
        """StepsAside where no user acted on two items."""
        cells = acts.matrix()
        if not len(acts) or np.diff(cells.indptr).max() < 2:
            raise StepsAside("item_item: needs users who acted on at least two items")
        cells.data[:] = 1
        return cls(_ease(cells, RIDGE) if cells.shape[1] <= DENSE else _neighbours(cells))

    def find(self, viewer: Viewer, moment: Moment, allowed: np.ndarray, most: int) -> Found:
        places, _ = liking(viewer, self.weights.shape[0])
        if not len(places):
            return NOTHING
        return best(np.asarray(self.weights[places].sum(axis=0), np.float32).ravel(), allowed, most)

    def extended(self, items: Items) -> "ItemItem":
        """Itself: nobody acted on a new item before this was fitted, and it gets no score."""
        return self

    def save(self, folder: Path) -> None:
        if isinstance(self.weights, np.ndarray):
            np.savez(folder / "item_item.npz", dense=self.weights)
        else:
            parts = {name: getattr(self.weights, name) for name in ("data", "indices", "indptr")}
            np.savez(folder / "item_item.npz", **parts)

    @classmethod
    def load(cls, folder: Path, items: Items) -> "ItemItem":
        with np.load(folder / "item_item.npz", allow_pickle=False) as stored:
            if "dense" in stored:
                return cls(stored["dense"])
            size = len(stored["indptr"]) - 1
            return cls(csr_array((stored["data"], stored["indices"], stored["indptr"]), shape=(size, size)))


def _ease(cells: csr_array, ridge: float) -> np.ndarray:
    """float32 [items, items]: -P / diag(P) outside the diagonal, where P = inverse(X'X + ridge)."""
    gram = (cells.T @ cells).toarray().astype(np.float64)
    gram[np.diag_indices_from(gram)] += ridge
    with threadpool_limits(1, "blas"):  # the same bits whatever the machine
        factor, _ = lapack.dpotrf(gram, lower=1, overwrite_a=1)
        inverse, _ = lapack.dpotri(factor, lower=1, overwrite_c=1)
    inverse = np.tril(inverse) + np.tril(inverse, -1).T
    weights = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0)
    return weights.astype(np.float32)


def _neighbours(cells: csr_array) -> csr_array:
    """Cosine of the items' columns, the NEIGHBOURS nearest of each, itself left out."""
    seen = np.bincount(cells.indices, minlength=cells.shape[1])
    scaled = csr_matrix((1 / np.sqrt(seen[cells.indices]), cells.indices, cells.indptr), shape=cells.shape)
    near = csr_matrix(all_pairs_knn(scaled, NEIGHBOURS + 1, show_progress=False))
    near.setdiag(0)
    near.eliminate_zeros()
    near.sort_indices()
    return csr_array(near, dtype=np.float32)
