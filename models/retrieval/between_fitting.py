"""How the network of `between` is taught: of each act it is asked what was done at its place, given a part of the rest.

A batch holds some acts of each of some users, so that a user's whole history is looked up once for several of them;
and it is told apart from the other acts of the batch alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from models.retrieval import sampled_softmax
from models.retrieval.adam import Adam
from models.retrieval.around import SIDES, Told, around, of_acts

HIDDEN = 128
PASSES, STEPS = 8, 2_000  # over the acts, and batches at most
BATCH, SMALL, MANY, OF_ONE = 1_024, 64, 40, 8  # acts of a batch, at least; batches of a pass; acts of one user
UNTOLD = 0.25  # of a history, while it learns
ASLEEP = 0.5  # of the hidden units, while it learns (dropout: Srivastava et al. 2014)
RATE, DECAY, STEADY = 4e-3, 1e-4, 0.98
Weights = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]
"""near float32 [SIDES * items, HIDDEN], all [items, HIDDEN], bend [HIDDEN], leave [items, HIDDEN], usual [items]."""


@dataclass(frozen=True)
class Batch:
    """users int64 [u], of whom the rows are, one after another; of: int64 [n], the place in users of each row. items:
    what was done, int64 [n]. itself: float32 [n], 1 where the whole history tells it, which must not count."""

    users: np.ndarray
    of: np.ndarray
    items: np.ndarray
    itself: np.ndarray


def taught(acts: Told, users: int, items: int, seed: int) -> tuple[Weights, float]:
    """(the network, the share of acts that were done together with another). users, items: how many there are."""
    random = np.random.default_rng(seed)
    counts = np.bincount(acts.items, minlength=items)
    weights = _begun(counts, random)
    adam, left, together = Adam(weights, RATE, STEADY), STEPS, 0.0
    size = int(np.clip(len(acts) // MANY, SMALL, BATCH))
    often = sampled_softmax.often(counts, size)
    for _ in range(PASSES):
        kept = random.random(len(acts)) >= UNTOLD
        known = acts.only(kept)
        places = of_acts(acts, known)
        near = around(known, places, items)
        together = float(np.mean(places.ends - places.begins > kept))
        whole = csr_array((np.ones(len(known), np.float32), (known.users, known.items)), shape=(users, items))
        for rows in _batches(acts.users, size, random, left):
            batch = _batch(acts, kept, rows)
            adam.step(_slopes(weights, batch, near[rows], whole[batch.users].toarray(), often, random))
        left = max(left - -(-len(acts) // size), 0)
    return adam.mean, together


def _begun(counts: np.ndarray, random: np.random.Generator) -> Weights:
    """Layers of chance around what everybody does."""
    items = len(counts)
    spread = np.float32(np.sqrt(2 / (items + HIDDEN)))
    near, whole, leave = (random.standard_normal((n * items, HIDDEN), np.float32) * spread for n in (SIDES, 1, 1))
    usual = np.log((counts + 1) / (counts + 1).sum()).astype(np.float32)
    return near, whole, np.zeros(HIDDEN, np.float32), leave, usual


def _batches(users: np.ndarray, size: int, random: np.random.Generator, most: int) -> Iterator[np.ndarray]:
    """Rows of acts, all once: OF_ONE of a user at a time. users: of the acts, ascending."""
    order = np.lexsort((random.random(len(users)), users))
    turn = np.arange(len(users)) - np.searchsorted(users, users)
    few = np.cumsum(turn % OF_ONE == 0) - 1
    order = order[np.argsort(random.permutation(len(users))[few], kind="stable")]
    for begin in range(0, len(users), size)[:most]:
        yield order[begin : begin + size]


def _batch(acts: Told, kept: np.ndarray, rows: np.ndarray) -> Batch:
    users = acts.users[rows]
    first = np.r_[True, users[1:] != users[:-1]]
    return Batch(users[first], np.cumsum(first) - 1, acts.items[rows], kept[rows].astype(np.float32))


def _slopes(
    weights: Weights, batch: Batch, near: csr_array, whole: np.ndarray, often: np.ndarray, random: np.random.Generator
) -> Weights:
    """Of what is lost in telling the items of a batch. near: [n, SIDES * items]. whole: float32 [u, items], 1 for what
    is known of each user. often: float32 [items], the logarithm of the chance to be in a batch."""
    enter, every, bend, leave, usual = weights
    n, own = len(batch.items), batch.itself[:, None]
    scale = 1 / np.sqrt(np.maximum(whole.sum(axis=1)[batch.of, None] - own, 1))
    bent = np.tanh(near @ enter + ((whole @ every)[batch.of] - own * every[batch.items]) * scale + bend)
    awake = (random.random(bent.shape, np.float32) >= ASLEEP) / np.float32(1 - ASLEEP)
    asked, right = np.unique(batch.items, return_inverse=True)
    odds = (bent * awake) @ leave[asked].T + usual[asked] - often[asked]
    wrong = sampled_softmax.wrong(odds, whole[:, asked][batch.of], right)
    decay = np.float32(DECAY)
    to_leave, to_usual = decay * leave, np.zeros_like(usual)
    to_leave[asked] += wrong.T @ (bent * awake)
    to_usual[asked] = wrong.sum(axis=0)
    back = (wrong @ leave[asked]) * awake * (1 - bent * bent)
    scaled = back * scale
    itself = csr_array((batch.itself, (np.arange(n), batch.items)), shape=(n, len(usual)))
    firsts = np.flatnonzero(np.diff(batch.of, prepend=-1))
    to_every = whole.T @ np.add.reduceat(scaled, firsts) - itself.T @ scaled + decay * every
    return near.T @ back + decay * enter, to_every, back.sum(axis=0), to_leave, to_usual
