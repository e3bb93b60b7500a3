"""Collaborative filtering by alternating least squares on implicit feedback (Hu, Koren, Volinsky 2008, `implicit`).

A user's vector is the least-squares answer to their history given the items' vectors, so it can be computed for anybody
at any time ("fold-in"): the vectors that the nightly run stores are exactly what a fold-in of the same history gives.
"""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from implicit.cpu.als import AlternatingLeastSquares
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from models.interactions import Interactions
from models.items import Items
from models.retrieval.index import EXACT_UP_TO, Index, index_of
from models.retrieval.liking import liking
from models.retrieval.source import NOTHING, Found, StepsAside, best
from models.retrieval.standard import rescaled, standard
from models.viewer import Moment, Viewer

FACTORS = 64
CONFIDENCE = 2.0  # an act of weight w is believed 1 + CONFIDENCE * w times as much as an absence
REGULARIZATION = 20.0
ITERATIONS = 12
SEED = 20_240_229


@dataclass(frozen=True)
class Als:
    """factors: float32 [items, FACTORS]. gram: float32 [FACTORS, FACTORS], factors' factors. until: us UTC, the last
    act of the fit. version: names the fit; a stored vector of another one means nothing here. index: of the factors,
    where there are too many to look at all of them.
    """

    factors: np.ndarray
    until: int
    version: str
    gram: np.ndarray
    index: Index | None = None
    name: str = "als"

    @classmethod
    def fit(cls, acts: Interactions, items: Items) -> "Als":
        """StepsAside where fewer than two users or items were acted on: there is nothing in common to learn."""
        if min(len(np.unique(acts.users)), len(np.unique(acts.items))) < 2:
            raise StepsAside("als: needs acts of at least two users on at least two items")
        with threadpool_limits(1, "blas"):
            model = AlternatingLeastSquares(FACTORS, REGULARIZATION, iterations=ITERATIONS, random_state=SEED)
            model.fit(_confidence(acts), show_progress=False)
        return cls._of(np.ascontiguousarray(model.item_factors, np.float32), int(acts.times.max()))

    @classmethod
    def _of(cls, factors: np.ndarray, until: int, folder: Path | None = None) -> "Als":
        version = hashlib.blake2b(factors.tobytes() + str(until).encode(), digest_size=8).hexdigest()
        index = index_of(factors, folder) if len(factors) > EXACT_UP_TO else None
        return cls(factors, until, version, factors.T @ factors, index)

    def vectors(self, acts: Interactions) -> np.ndarray:
        """float32 [users, factors]: each user's vector, zeros for one without an act; for the nightly run to store."""
        with threadpool_limits(1, "blas"):
            model = AlternatingLeastSquares(self.factors.shape[1], REGULARIZATION)
            model.item_factors = self.factors
            return model.recalculate_user(np.arange(acts.shape[0]), _confidence(acts))

    def find(self, viewer: Viewer, moment: Moment, allowed: np.ndarray, most: int) -> Found:
        vector = self.vector(viewer)
        if vector is None:
            return NOTHING
        if self.index is None:
            return best(standard(self.factors @ vector, allowed), allowed, most)
        return rescaled(self.index.find(vector, allowed, most), *self._moments(vector))

    def vector(self, viewer: Viewer) -> np.ndarray | None:
        """float32 [factors]: the stored one while it holds all that the viewer did, a fold-in otherwise; None for a
        viewer of whom nothing is known."""
        if self._fresh(viewer):
            return viewer.vector
        places, weights = liking(viewer, len(self.factors))
        return self._folded(places, 1 + CONFIDENCE * weights) if len(places) else None

    def extended(self, items: Items) -> "Als":
        """Itself: a new item has no vector before the next fit, and gets no score."""
        return self

    def save(self, folder: Path) -> None:
        np.savez(folder / "als.npz", factors=self.factors, until=self.until)
        if self.index is not None:
            self.index.save(folder)

    @classmethod
    def load(cls, folder: Path, items: Items) -> "Als":
        with np.load(folder / "als.npz", allow_pickle=False) as stored:
            return cls._of(stored["factors"], int(stored["until"]), folder)

    @cached_property
    def centre(self) -> np.ndarray:
        """float32 [factors]: the mean of the items' factors."""
        return self.factors.mean(axis=0)

    def _moments(self, vector: np.ndarray) -> tuple[float, float]:
        """Mean and standard deviation of the scores of all items, without computing these."""
        mean = float(self.centre @ vector)
        return mean, float(np.sqrt(max(vector @ self.gram @ vector / len(self.factors) - mean**2, 0)))

    def _fresh(self, viewer: Viewer) -> bool:
        same = viewer.vector is not None and viewer.version == self.version and not len(viewer.picked)
        return same and not (len(viewer.times) and viewer.times[-1] > self.until)

    def _folded(self, places: np.ndarray, confidence: np.ndarray) -> np.ndarray:
        """The paper's equation 4 for one user."""
        liked = self.factors[places]
        left = self.gram + (liked.T * (confidence - 1)) @ liked
        left[np.diag_indices_from(left)] += REGULARIZATION
        return np.linalg.solve(left, liked.T @ confidence).astype(np.float32)


def _confidence(acts: Interactions) -> csr_matrix:
    cells = csr_matrix(acts.matrix())
    cells.data = (1 + CONFIDENCE * cells.data).astype(np.float32)
    return cells
