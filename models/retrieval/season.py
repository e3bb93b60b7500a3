"""What was watched at the times when a viewer was there, more than at others. It proposes nothing: it says of what
others found whether it had come out by then, and whether that was its time."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models.interactions import Interactions
from models.items import Items
from models.retrieval.in_time import by_user, usual_gap
from models.retrieval.said import said_of
from models.retrieval.source import NOTHING, Found
from models.viewer import Moment, Viewer

PARTS = 24  # of the past, of equally many acts each
WIDTH = 1.0  # parts after which a part is hardly the same season
DRAWN = 0.15  # how much of an item's share at all times is in that of a season


@dataclass(frozen=True)
class Season:
    """begins: int64 [parts - 1], the instants at which all parts but the first begin. shares: float32 [items, parts],
    of the acts of a part's season. usual: float32 [items], of all acts."""

    begins: np.ndarray
    shares: np.ndarray
    usual: np.ndarray
    name: str = "season"

    @classmethod
    def fit(cls, acts: Interactions, items: Items) -> "Season":
        """StepsAside where times say nothing."""
        usual_gap(by_user(acts), cls.name)
        begins = np.unique(acts.times[(np.arange(1, PARTS) * len(acts)) // PARTS])
        parts = np.arange(len(begins) + 1)
        cells = np.searchsorted(begins, acts.times, "right") * len(items) + acts.items
        counts = np.bincount(cells, minlength=len(parts) * len(items)).reshape(len(parts), len(items))
        seasons = np.exp(-0.5 * ((parts[:, None] - parts) / WIDTH) ** 2) @ counts
        usual = (counts.sum(axis=0) + 1) / (len(acts) + len(items))
        shares = (seasons / seasons.sum(axis=1, keepdims=True)).T
        return cls(begins, np.ascontiguousarray(shares, np.float32), usual.astype(np.float32))

    def find(self, viewer: Viewer, moment: Moment, allowed: np.ndarray, most: int) -> Found:
        if not len(viewer.times):
            return NOTHING
        there = np.bincount(np.searchsorted(self.begins, viewer.times, "right"), minlength=self.shares.shape[1])
        parts = np.flatnonzero(there)
        often = (there[parts] / len(viewer.times)).astype(np.float32)
        return said_of(lambda places: self._lift(places, parts, often), len(self.usual))

    def _lift(self, places: np.ndarray, parts: np.ndarray, often: np.ndarray) -> np.ndarray:
        then = np.einsum("ij,j->i", self.shares[np.ix_(places, parts)], often)
        return np.log((then + DRAWN * self.usual[places]) / ((1 + DRAWN) * self.usual[places]))

    def extended(self, items: Items) -> "Season":
        """Itself: a new item had no season yet."""
        return self

    def save(self, folder: Path) -> None:
        np.savez(folder / "season.npz", begins=self.begins, shares=self.shares, usual=self.usual)

    @classmethod
    def load(cls, folder: Path, items: Items) -> "Season":
        with np.load(folder / "season.npz", allow_pickle=False) as stored:
            return cls(stored["begins"], stored["shares"], stored["usual"])
