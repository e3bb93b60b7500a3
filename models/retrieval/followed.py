"""Items on air of the creators that a viewer follows, and of those whose items they watched most."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models.interactions import Interactions
from models.items import Items
from models.retrieval.some import among
from models.retrieval.source import NOTHING, Found, StepsAside
from models.viewer import PICKED, Moment, Viewer

FOLLOWING = 3.0  # acts that following a creator is worth
FADING = 0.99  # of each act before the latest
NOBODY = -1


@dataclass(frozen=True)
class Followed:
    """creators: int32 [items], places in `codes`' names, NOBODY where unknown. by_creator: places of items, creator
    after creator; begins: int64 [creators + 1], where each creator's begin there.
    """

    creators: np.ndarray
    codes: dict[str, int]
    by_creator: np.ndarray
    begins: np.ndarray
    name: str = "followed"

    @classmethod
    def fit(cls, acts: Interactions, items: Items) -> "Followed":
        """StepsAside where no creator has two items: then an item tells all that its creator could."""
        found = cls._of(items)
        if not len(found.codes) or np.diff(found.begins).max() < 2:
            raise StepsAside("followed: needs creators of at least two items, there are none")
        return found

    @classmethod
    def _of(cls, items: Items) -> "Followed":
        creators, names = items.codes("creator_id")
        by_creator = np.argsort(creators, kind="stable")
        begins = np.searchsorted(creators[by_creator], np.arange(len(names) + 1))
        return cls(creators, {name: code for code, name in enumerate(names)}, by_creator, begins)

    def find(self, viewer: Viewer, moment: Moment, allowed: np.ndarray, most: int) -> Found:
        creators, affinity = self.affinity(viewer)
        if not len(creators):
            return NOTHING
        lengths = self.begins[creators + 1] - self.begins[creators]
        skipped = np.repeat(self.begins[creators] - np.append(0, np.cumsum(lengths)[:-1]), lengths)
        places = self.by_creator[skipped + np.arange(len(skipped))]
        recent = moment.recent[places]
        scores = np.repeat(affinity, lengths) * (1 + recent / (1 + recent.max(initial=0)))
        order = np.argsort(places)
        return among(places[order], scores[order].astype(np.float32), allowed, most)

    def affinity(self, viewer: Viewer) -> tuple[np.ndarray, np.ndarray]:
        """(creators int64 [n], ascending, how much the viewer is drawn to each float64 [n], 1 for the most)."""
        fading = FADING ** np.arange(len(viewer.items))[::-1]
        places = np.concatenate([viewer.items, viewer.picked])
        weights = np.concatenate([viewer.weights * fading, np.full(len(viewer.picked), PICKED)])
        known = places < len(self.creators)
        creators = self.creators[places[known]]
        followed = [self.codes[name] for name in viewer.followed if name in self.codes]
        creators = np.concatenate([creators, np.array(followed, np.int64)]).astype(np.int64)
        weights = np.concatenate([weights[known], np.full(len(followed), FOLLOWING)])[creators != NOBODY]
        totals = np.bincount(creators[creators != NOBODY], weights, minlength=len(self.codes))
        drawn = np.flatnonzero(totals)
        return drawn, totals[drawn] / totals.max(initial=1e-9)

    def extended(self, items: Items) -> "Followed":
        return self._of(items)

    def save(self, folder: Path) -> None:
        """Everything follows from the items."""

    @classmethod
    def load(cls, folder: Path, items: Items) -> "Followed":
        return cls._of(items)
