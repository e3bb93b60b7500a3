"""New items, the newest first, those of a viewer's topics before the others."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models.interactions import Interactions
from models.items import OPEN_BEGIN, Items
from models.retrieval.liking import liking
from models.retrieval.listed import Listed, listed
from models.retrieval.some import among
from models.retrieval.source import NOTHING, Found, StepsAside
from models.viewer import Moment, Viewer
from streamrank.clock import DAY

HALF_LIFE = 2 * DAY  # of newness
OLDEST = 14 * DAY
STATED = 1.0  # the weight of a stated topic, beside an act's


@dataclass(frozen=True)
class Fresh:
    topics: Listed
    name: str = "fresh"

    @classmethod
    def fit(cls, acts: Interactions, items: Items) -> "Fresh":
        """StepsAside where no item tells since when it can be watched."""
        if not items.known("available_from"):
            raise StepsAside("fresh: needs available_from of items, none has it")
        return cls(listed(items.table["topics"]))

    def find(self, viewer: Viewer, moment: Moment, allowed: np.ndarray, most: int) -> Found:
        oldest = moment.now_us - OLDEST
        new = np.flatnonzero((moment.begins > max(oldest, OPEN_BEGIN)) & (moment.begins <= moment.now_us))
        if not len(new):
            return NOTHING
        newness = np.exp2(-(moment.now_us - moment.begins[new]) / HALF_LIFE)
        return among(new, (newness * (1 + self._matching(viewer, new))).astype(np.float32), allowed, most)

    def extended(self, items: Items) -> "Fresh":
        return Fresh(listed(items.table["topics"]))

    def save(self, folder: Path) -> None:
        """Everything follows from the items."""

    @classmethod
    def load(cls, folder: Path, items: Items) -> "Fresh":
        return cls(listed(items.table["topics"]))

    def _matching(self, viewer: Viewer, places: np.ndarray) -> np.ndarray:
        """The share of the viewer's interest that lies in each item's topics, float64 [places], between 0 and 1."""
        liked, weights = liking(viewer, self.topics.items)
        interest = self.topics.counts(liked, weights)
        for topic in viewer.topics:
            if topic in self.topics.names:
                interest[self.topics.names[topic]] += STATED
        if not interest.sum():
            return np.zeros(len(places))
        known = places < self.topics.items
        shares = np.zeros(len(places))
        shares[known] = np.minimum(1, self.topics.sums(interest / interest.sum(), places[known]))
        return shares
