"""What comes next after what a viewer did: a network that has been asked so of every act there was.

It is given the latest acts by how late they are, the whole history, and how long ago the last act was, and tells the
chance of each item to be the next (a continuous bag of words that only looks back: Mikolov et al. 2013; as a task for
recommenders: Hidasi et al. 2016, "GRU4Rec"). `transitions` counts which item follows which; this one hears all of a
history at once.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from models.interactions import Interactions
from models.items import Items
from models.retrieval.again import not_returned_to
from models.retrieval.in_time import by_user, usual_gap
from models.retrieval.so_far import so_far
from models.retrieval.source import NOTHING, Found, StepsAside, best
from models.retrieval.standard import standard
from models.retrieval.up_next_fitting import Weights, hidden, taught
from models.viewer import Moment, Viewer
from streamrank.clock import SECOND

MOST_ITEMS, MOST_USERS = 5_000, 20_000
NAMES = ("latest", "whole", "span", "leave", "usual")


@dataclass(frozen=True)
class UpNext:
    """weights: see `up_next_fitting`. returns: whether it speaks of what the viewer did before, too."""

    weights: Weights
    returns: bool
    name: str = "up_next"

    @classmethod
    def fit(cls, acts: Interactions, items: Items) -> "UpNext":
        """StepsAside where times do not tell what comes next, or where there are too many items for dense layers."""
        if len(items) > MOST_ITEMS:
            raise StepsAside(f"up_next: takes at most {MOST_ITEMS:,} items, found {len(items):,}")
        acts, returns = by_user(acts.of_users(MOST_USERS)), not not_returned_to(acts)
        usual_gap(acts, cls.name)
        with threadpool_limits(1, "blas"):  # the same bits whatever the machine
            return cls(taught(acts, returns), returns)

    def find(self, viewer: Viewer, moment: Moment, allowed: np.ndarray, most: int) -> Found:
        *_, leave, usual = self.weights
        items, seconds = _history(viewer, moment, len(usual))
        if not len(items):
            return NOTHING
        ends, now = np.array([len(items)]), np.array([moment.now_us // SECOND])
        known = so_far(items, seconds, np.zeros(1, np.int64), ends, now, len(usual))
        scores = leave @ hidden(self.weights, known)[0] + usual
        if not self.returns:
            scores[items] = np.nan
        return best(standard(scores - np.nanmean(scores), allowed), allowed, most)

    def extended(self, items: Items) -> "UpNext":
        """Itself: a new item came after nothing that it learned from, and gets no score."""
        return self

    def save(self, folder: Path) -> None:
        np.savez(folder / "up_next.npz", returns=self.returns, **dict(zip(NAMES, self.weights, strict=True)))

    @classmethod
    def load(cls, folder: Path, items: Items) -> "UpNext":
        with np.load(folder / "up_next.npz", allow_pickle=False) as stored:
            return cls(tuple(stored[name] for name in NAMES), bool(stored["returns"]))


def _history(viewer: Viewer, moment: Moment, many: int) -> tuple[np.ndarray, np.ndarray]:
    """(items, seconds) of what the viewer did, and behind it what they picked, as if done now."""
    items = np.concatenate([viewer.items, viewer.picked])
    seconds = np.concatenate([viewer.times, np.full(len(viewer.picked), moment.now_us)]) // SECOND
    known = items < many
    return items[known], seconds[known]
