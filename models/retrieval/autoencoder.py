"""What a network that was taught to complete histories would add to a viewer's own.

A denoising autoencoder with a multinomial likelihood (Liang et al. 2018, "Variational autoencoders for collaborative
filtering", Mult-DAE): half of a history is hidden, and the whole of it is to be told from the rest. One bent layer lets
the same item speak for different ones in different company, which no sum over items can. It is stopped early, as on few
users it soon knows them by heart; the mean of networks from different seeds forgets what each made up.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from scipy.sparse import csr_array
from threadpoolctl import threadpool_limits

from models.interactions import Interactions
from models.items import Items
from models.retrieval.adam import Adam
from models.retrieval.liking import liking
from models.retrieval.source import NOTHING, Found, StepsAside, best
from models.retrieval.standard import standard
from models.viewer import Moment, Viewer

HIDDEN = 200
NETWORKS = 2  # taught side by side
HID = 0.5  # of a history, while it learns
BATCH = 100  # users
PASSES, STEPS = 30, 400  # over the users, and batches at most: some minutes where all is as large as it may be
RATE, DECAY = 1e-3, 1e-2
MOST_ITEMS, MOST_USERS = 5_000, 20_000
Weights = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
NAMES = ("enter", "bend", "leave", "usual")


@dataclass(frozen=True)
class Autoencoder:
    """Of the networks: enter float32 [networks, items, HIDDEN], bend [networks, HIDDEN], leave [networks, HIDDEN,
    items], usual [networks, items], the log of how often an item is acted on whatever else was."""

    enter: np.ndarray
    bend: np.ndarray
    leave: np.ndarray
    usual: np.ndarray
    name: str = "autoencoder"

    @classmethod
    def fit(cls, acts: Interactions, items: Items) -> "Autoencoder":
        """StepsAside where no user acted on two items, or where there are too many items for dense layers."""
        if len(items) > MOST_ITEMS:
            raise StepsAside(f"autoencoder: takes at most {MOST_ITEMS:,} items, found {len(items):,}")
        cells = acts.matrix()
        sizes = np.diff(cells.indptr)
        if not len(acts) or sizes.max() < 2:
            raise StepsAside("autoencoder: needs users who acted on at least two items")
        cells = _some(cells[np.flatnonzero(sizes)])
        seeds = [np.random.default_rng(seed) for seed in range(NETWORKS)]
        with threadpool_limits(1, "blas"), ThreadPoolExecutor(NETWORKS) as lanes:  # the same bits whatever the machine
            networks = list(lanes.map(partial(_taught, cells), seeds))
        return cls(*(np.stack(layer) for layer in zip(*networks, strict=True)))

    def find(self, viewer: Viewer, moment: Moment, allowed: np.ndarray, most: int) -> Found:
        places, _ = liking(viewer, self.usual.shape[1])
        if not len(places):
            return NOTHING
        return best(standard(self._completed(places), allowed), allowed, most)

    def _completed(self, places: np.ndarray) -> np.ndarray:
        """float32 [items]: the mean over networks of the log-odds of each item, given these."""
        total = np.zeros(self.usual.shape[1], np.float32)
        for enter, bend, leave, usual in zip(self.enter, self.bend, self.leave, self.usual, strict=True):
            known = enter[places].sum(axis=0) / np.float32(np.sqrt(len(places)))
            total += np.tanh(known + bend) @ leave + usual
        return total / np.float32(len(self.usual))

    def extended(self, items: Items) -> "Autoencoder":
        """Itself: a new item was in no history that it learned from, and gets no score."""
        return self

    def save(self, folder: Path) -> None:
        np.savez(folder / "autoencoder.npz", **{name: getattr(self, name) for name in NAMES})

    @classmethod
    def load(cls, folder: Path, items: Items) -> "Autoencoder":
        with np.load(folder / "autoencoder.npz", allow_pickle=False) as stored:
            return cls(*(stored[name] for name in NAMES))


def _some(cells: csr_array) -> csr_array:
    """At most MOST_USERS of the rows."""
    if cells.shape[0] <= MOST_USERS:
        return cells
    return cells[np.sort(np.random.default_rng(0).permutation(cells.shape[0])[:MOST_USERS])]


def _taught(cells: csr_array, random: np.random.Generator) -> Weights:
    """One network. cells: [users, items], an entry where the user acted on the item, at least one a user."""
    weights = _begun(cells, random)
    adam = Adam(weights, RATE)
    for users in _batches(cells.shape[0], random):
        adam.step(_slopes(weights, (cells[users].toarray() > 0).astype(np.float32), random))
    return weights


def _begun(cells: csr_array, random: np.random.Generator) -> Weights:
    """Layers of chance (Glorot and Bengio 2010) around what everybody does."""
    items = cells.shape[1]
    spread = np.float32(np.sqrt(2 / (items + HIDDEN)))
    enter = random.standard_normal((items, HIDDEN), np.float32) * spread
    leave = random.standard_normal((HIDDEN, items), np.float32) * spread
    users = np.bincount(cells.indices, minlength=items) + 1.0
    return enter, np.zeros(HIDDEN, np.float32), leave, np.log(users / users.sum()).astype(np.float32)


def _batches(users: int, random: np.random.Generator) -> Iterator[np.ndarray]:
    """Rows of users, all once in each pass."""
    left = STEPS
    for _ in range(PASSES):
        order = random.permutation(users)
        for begin in range(0, users, BATCH)[:left]:
            yield order[begin : begin + BATCH]
        left = max(left - -(-users // BATCH), 0)


def _slopes(weights: Weights, whole: np.ndarray, random: np.random.Generator) -> Weights:
    """Of what is lost in telling the whole histories, float32 [users, items] of 0 and 1, from parts of them."""
    enter, bend, leave, usual = weights
    sizes = whole.sum(axis=1, keepdims=True)
    part = whole * (random.random(whole.shape, np.float32) >= HID) / (np.float32(1 - HID) * np.sqrt(sizes))
    bent = np.tanh(part @ enter + bend)
    told = bent @ leave + usual
    np.exp(told - told.max(axis=1, keepdims=True), out=told)
    wrong = (told * (sizes / told.sum(axis=1, keepdims=True)) - whole) / np.float32(len(whole))
    back = (wrong @ leave.T) * (1 - bent * bent)
    decay = np.float32(DECAY)
    return part.T @ back + decay * enter, back.sum(axis=0), bent.T @ wrong + decay * leave, wrong.sum(axis=0)
