"""What most people are watching at this moment."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models.interactions import Interactions
from models.items import Items
from models.retrieval.source import NOTHING, Found, best
from models.viewer import Moment, Viewer


@dataclass(frozen=True)
class WatchedNow:
    """Knows nothing but the moment; where nobody counts viewers, it finds nothing."""

    name: str = "watched_now"

    @classmethod
    def fit(cls, acts: Interactions, items: Items) -> "WatchedNow":
        return cls()

    def find(self, viewer: Viewer, moment: Moment, allowed: np.ndarray, most: int) -> Found:
        watched = moment.watching > 0
        if not watched.any():
            return NOTHING
        return best(np.where(watched, moment.watching, np.float32(np.nan)), allowed, most)

    def extended(self, items: Items) -> "WatchedNow":
        return self

    def save(self, folder: Path) -> None:
        """There is nothing to keep."""

    @classmethod
    def load(cls, folder: Path, items: Items) -> "WatchedNow":
        return cls()
