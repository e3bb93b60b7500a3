"""What is missing between the acts of a viewer: at the times of some of them, or between one and the next.

A network is asked at every place of the history what may have been done there, given what lies at that place, just
before, just after, and the whole history (a continuous bag of words: Mikolov et al. 2013, with sides told apart and the
history of Liang et al. 2018 beside them); the chances of all places are added up. Where `near` adds up how near items
are to each of a viewer's, this one knows that an item has one place, and that all that lies around it speaks at once.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from models.interactions import Interactions
from models.items import Items
from models.retrieval.around import Told, around, of_history, told
from models.retrieval.between_fitting import taught
from models.retrieval.in_time import by_user, usual_gap
from models.retrieval.liking import liking
from models.retrieval.sampled_softmax import NEVER, softmax
from models.retrieval.source import NOTHING, Found, StepsAside, best
from models.retrieval.standard import standard
from models.viewer import Moment, Viewer

NETWORKS = 1  # two are no better on ML-100K; several are taught side by side
MOST_ITEMS, MOST_USERS = 5_000, 20_000
CELLS = 1_500_000  # places times items that are looked at for a viewer: of their latest acts, where there are more
NAMES = ("near", "whole", "bend", "leave", "usual", "together")


@dataclass(frozen=True)
class Between:
    """Of the networks, all float32: near [networks, SIDES * items, HIDDEN], whole [networks, items, HIDDEN], bend
    [networks, HIDDEN], leave [networks, items, HIDDEN], usual [networks, items]; together [networks], the share of acts
    that were done at the time of another."""

    near: np.ndarray
    whole: np.ndarray
    bend: np.ndarray
    leave: np.ndarray
    usual: np.ndarray
    together: np.ndarray
    name: str = "between"

    @classmethod
    def fit(cls, acts: Interactions, items: Items) -> "Between":
        """StepsAside where times do not tell what lies between, or where there are too many items for dense layers."""
        if len(items) > MOST_ITEMS:
            raise StepsAside(f"between: takes at most {MOST_ITEMS:,} items, found {len(items):,}")
        usual_gap(by_user(acts), cls.name)
        acts = acts.of_users(MOST_USERS)
        known = told(acts.users, acts.items, acts.times)
        teach = partial(taught, known, acts.shape[0], len(items))
        with threadpool_limits(1, "blas"), ThreadPoolExecutor(NETWORKS) as lanes:  # the same bits whatever the machine
            networks = list(lanes.map(teach, range(NETWORKS)))
        layers = zip(*(weights for weights, _ in networks), strict=True)
        return cls(*(np.stack(layer) for layer in layers), np.array([share for _, share in networks], np.float32))

    def find(self, viewer: Viewer, moment: Moment, allowed: np.ndarray, most: int) -> Found:
        places, _ = liking(viewer, self.usual.shape[1])
        if not len(places):
            return NOTHING
        chances = self._chances(self._told(viewer), places)
        scores = np.log(np.maximum(chances, np.finfo(np.float32).tiny))
        scores[places] = np.nan  # of what they did already it says nothing
        return best(standard(scores - np.nanmean(scores), allowed), allowed, most)

    def _told(self, viewer: Viewer) -> Told:
        known, latest = viewer.items < self.usual.shape[1], max(CELLS // (2 * self.usual.shape[1]), 1)
        items, times = viewer.items[known][-latest:], viewer.times[known][-latest:]
        return told(np.zeros(len(items), np.int64), items, times)

    def _chances(self, known: Told, whole: np.ndarray) -> np.ndarray:
        """float32 [items]: of being what is missing somewhere. whole: int64 places of all that the viewer did."""
        places, at_acts = of_history(known)
        near = around(known, places, self.usual.shape[1])
        weights, total = np.empty(len(places.begins), np.float32), np.zeros(self.usual.shape[1], np.float32)
        for network in range(len(self.usual)):
            together = self.together[network] if at_acts else 0
            weights[:at_acts] = together * (places.ends - places.begins)[:at_acts] / max(len(known), 1)
            weights[at_acts:] = (1 - together) / (len(weights) - at_acts)
            total += weights @ self._at_places(network, near, whole)
        return total / np.float32(len(self.usual))

    def _at_places(self, network: int, near: np.ndarray, whole: np.ndarray) -> np.ndarray:
        """float32 [places, items]: the chance of each item to be what is missing there."""
        history = self.whole[network][whole].sum(axis=0) / np.float32(np.sqrt(len(whole)))
        bent = np.tanh(near @ self.near[network] + history + self.bend[network])
        odds = bent @ self.leave[network].T + self.usual[network]
        odds[:, whole] = -NEVER
        return softmax(odds)

    def extended(self, items: Items) -> "Between":
        """Itself: a new item was between no acts that it learned from, and gets no score."""
        return self

    def save(self, folder: Path) -> None:
        np.savez(folder / "between.npz", **{name: getattr(self, name) for name in NAMES})

    @classmethod
    def load(cls, folder: Path, items: Items) -> "Between":
        with np.load(folder / "between.npz", allow_pickle=False) as stored:
            return cls(*(stored[name] for name in NAMES))
