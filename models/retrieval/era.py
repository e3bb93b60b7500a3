"""From which years a viewer's items are, more often than others'. It proposes nothing: it says of what others found
how well its year fits."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models.interactions import Interactions
from models.items import Items
from models.retrieval.lift import lifts
from models.retrieval.liking import liking
from models.retrieval.said import said_only
from models.retrieval.source import NOTHING, Found, StepsAside
from models.viewer import Moment, Viewer

WIDTH = 5.0  # years after which a year says e times less
UNKNOWN = -1


@dataclass(frozen=True)
class Era:
    """years: int64 [years], ascending. near: float64 [years, years], how much an act on one counts for another.
    shares: float64 [years], of everybody's acts, counted so. of_items: int64 [items], places in years, -1 unknown."""

    years: np.ndarray
    near: np.ndarray
    shares: np.ndarray
    of_items: np.ndarray
    name: str = "era"

    @classmethod
    def fit(cls, acts: Interactions, items: Items) -> "Era":
        """StepsAside where acts are on items of fewer than two years."""
        years = np.unique(_years(items)[_years(items) != UNKNOWN])
        of_items = _places(years, items)
        counts = np.bincount(of_items[acts.items] + 1, minlength=len(years) + 1)[1:]
        if np.count_nonzero(counts) < 2:
            raise StepsAside("era: needs acts on items of at least two years")
        near = _near(years)
        return cls(years, near, near @ counts / counts.sum(), of_items)

    def find(self, viewer: Viewer, moment: Moment, allowed: np.ndarray, most: int) -> Found:
        places, _ = liking(viewer, len(self.of_items))
        own = self.of_items[places]
        own = own[own != UNKNOWN]
        if not len(own):
            return NOTHING
        fits = lifts(self.near[:, own].sum(axis=1), self.shares, len(own))
        return said_only(np.append(fits, np.nan)[self.of_items].astype(np.float32))

    def extended(self, items: Items) -> "Era":
        """With the years of the new items, of those that were known."""
        return Era(self.years, self.near, self.shares, _places(self.years, items))

    def save(self, folder: Path) -> None:
        np.savez(folder / "era.npz", years=self.years, shares=self.shares)

    @classmethod
    def load(cls, folder: Path, items: Items) -> "Era":
        with np.load(folder / "era.npz", allow_pickle=False) as stored:
            return cls(stored["years"], _near(stored["years"]), stored["shares"], _places(stored["years"], items))


def _years(items: Items) -> np.ndarray:
    return items.table["year"].combine_chunks().fill_null(UNKNOWN).to_numpy().astype(np.int64)


def _places(years: np.ndarray, items: Items) -> np.ndarray:
    own = _years(items)
    at = np.minimum(np.searchsorted(years, own), max(0, len(years) - 1))
    return np.where(years[at] == own, at, UNKNOWN) if len(years) else np.full(len(own), UNKNOWN)


def _near(years: np.ndarray) -> np.ndarray:
    return np.exp(-np.abs(years[:, None] - years) / WIDTH)
