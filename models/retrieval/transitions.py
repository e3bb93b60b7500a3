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
from models.retrieval.source import NOTHING, Found, StepsAside, best
from models.viewer import Moment, Viewer

STEPS = 10  # acts ahead
LATEST = 30  # acts of a viewer that are looked at
FADING = 0.9  # of each act before the latest
NEIGHBOURS = 200
TELLING = 0.2  # the share of neighbouring acts that must differ in time


@dataclass(frozen=True)
class Transitions:
    """weights: float32 sparse [items, items], from an item to those acted on after it."""

    weights: csr_array
    name: str = "transitions"

    @classmethod
    def fit(cls, acts: Interactions, items: Items) -> "Transitions":
        """StepsAside where the acts of a user mostly have one time, so that no order can be known."""
        order = np.lexsort((acts.times, acts.users))
        users, places, times = acts.users[order], acts.items[order], acts.times[order]
        gaps = np.diff(times)[users[1:] == users[:-1]]
        telling = np.mean(gaps > 0) if len(gaps) else 0.0
        if telling < TELLING:
            raise StepsAside(f"transitions: times order only {telling:.0%} of users' neighbouring acts")
        pairs = _pairs(users, places, times, float(np.median(gaps[gaps > 0])), acts.shape[1])
        return cls(_nearest(_lifted(pairs)))

    def find(self, viewer: Viewer, moment: Moment, allowed: np.ndarray, most: int) -> Found:
        latest = viewer.items[viewer.items < self.weights.shape[0]][-LATEST:]
        if not len(latest):
            return NOTHING
        fading = FADING ** np.arange(len(latest))[::-1].astype(np.float32)
        scores = np.asarray(self.weights[latest].T @ fading, np.float32)
        scores[scores == 0] = np.nan
        return best(scores, allowed, most)

    def extended(self, items: Items) -> "Transitions":
        """Itself: nothing was watched before or after a new item yet."""
        return self

    def save(self, folder: Path) -> None:
        parts = {name: getattr(self.weights, name) for name in ("data", "indices", "indptr")}
        np.savez(folder / "transitions.npz", **parts)

    @classmethod
    def load(cls, folder: Path, items: Items) -> "Transitions":
        with np.load(folder / "transitions.npz", allow_pickle=False) as stored:
            size = len(stored["indptr"]) - 1
            return cls(csr_array((stored["data"], stored["indices"], stored["indptr"]), shape=(size, size)))


def _pairs(users: np.ndarray, places: np.ndarray, times: np.ndarray, gap: float, items: int) -> csr_array:
    total = csr_array((items, items), dtype=np.float32)
    for step in range(1, min(STEPS, len(users) - 1) + 1):
        same = (users[step:] == users[:-step]) & (places[step:] != places[:-step])
        apart = (times[step:] - times[:-step])[same] / gap
        near = (1 / (step * (1 + np.log1p(apart)))).astype(np.float32)
        total += csr_array((near, (places[:-step][same], places[step:][same])), shape=(items, items))
    return total


def _lifted(pairs: csr_array) -> csr_array:
    """Each pair over the geometric mean of how often its items lead and follow: the popular do not follow all."""
    leads, follows = pairs.sum(axis=1), pairs.sum(axis=0)
    rows = np.repeat(np.arange(pairs.shape[0]), np.diff(pairs.indptr))
    pairs.data = (pairs.data / np.sqrt(leads[rows] * follows[pairs.indices])).astype(np.float32)
    return pairs


def _nearest(pairs: csr_array) -> csr_array:
    """The NEIGHBOURS greatest of each row."""
    rows = np.repeat(np.arange(pairs.shape[0]), np.diff(pairs.indptr))
    order = np.lexsort((pairs.indices, -pairs.data, rows))
    rank = np.arange(len(order)) - np.repeat(pairs.indptr[:-1], np.diff(pairs.indptr))
    kept = np.sort(order[rank < NEIGHBOURS])
    return csr_array((pairs.data[kept], (rows[kept], pairs.indices[kept])), shape=pairs.shape)
