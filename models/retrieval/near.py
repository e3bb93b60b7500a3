"""Items acted on near in time to those that a viewer acted on, before or after, whenever that was.

Two acts of a user are the nearer the fewer acts lie between them. What lies near to many of a viewer's items and is not
among them is what they left out, or come to next; unlike `transitions` it looks at all that they did.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.sparse import csr_array

from models.interactions import Interactions
from models.items import Items
from models.retrieval import linear
from models.retrieval.in_time import by_user, pairs, usual_gap
from models.retrieval.liking import liking
from models.retrieval.source import NOTHING, Found, best
from models.retrieval.standard import standard
from models.viewer import Moment, Viewer

STEPS = 20  # acts apart at most
FADING = 0.85  # of each act between
FROM, TO = 0.8, 0.4  # how much the popularity of an item is taken from what it says, and from what is said of it


@dataclass(frozen=True)
class Near:
    """weights: float32 sparse [items, items]."""

    weights: csr_array
    name: str = "near"

    @classmethod
    def fit(cls, acts: Interactions, items: Items) -> "Near":
        """StepsAside where times do not tell what was near."""
        ordered = by_user(acts)
        usual_gap(ordered, cls.name)
        after = pairs(ordered, STEPS, lambda step, apart: np.full(len(apart), FADING**step))
        return cls(linear.nearest(_lifted(csr_array(after + after.T))))

    def find(self, viewer: Viewer, moment: Moment, allowed: np.ndarray, most: int) -> Found:
        places, _ = liking(viewer, self.weights.shape[0])
        if not len(places):
            return NOTHING
        return best(standard(linear.summed(self.weights, places), allowed), allowed, most)

    def extended(self, items: Items) -> "Near":
        """Itself: nothing was near a new item yet."""
        return self

    def save(self, folder: Path) -> None:
        linear.save(self.weights, folder / "near.npz")

    @classmethod
    def load(cls, folder: Path, items: Items) -> "Near":
        return cls(linear.load(folder / "near.npz"))


def _lifted(pairs: csr_array) -> csr_array:
    popularity = np.maximum(pairs.sum(axis=0), 1e-9)
    rows = np.repeat(np.arange(pairs.shape[0]), np.diff(pairs.indptr))
    lift = popularity[rows] ** FROM * popularity[pairs.indices] ** TO
    return csr_array(((pairs.data / lift).astype(np.float32), pairs.indices, pairs.indptr), shape=pairs.shape)
