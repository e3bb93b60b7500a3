"""How the network of `up_next` is taught: of each act it is asked what it was, given what the user did before it."""

import numpy as np

from models.interactions import Interactions
from models.retrieval import sampled_softmax
from models.retrieval.adam import Adam
from models.retrieval.so_far import SPANS, SoFar, so_far
from streamrank.clock import SECOND

HIDDEN = 128
PASSES, STEPS = 10, 2_000  # over the acts, and batches at most
BATCH, SMALL, MANY = 1_024, 64, 40  # acts of a batch; at least; batches of a pass where there are few acts
ASLEEP = 0.5  # of the hidden units, while it learns (dropout: Srivastava et al. 2014)
RATE, DECAY, STEADY = 4e-3, 1e-4, 0.98
Weights = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]
"""latest, whole [items, HIDDEN], span [SPANS, HIDDEN], leave [items, HIDDEN], usual [items], all float32."""


def taught(acts: Interactions, returns: bool, seed: int = 0) -> Weights:
    """acts: user by user, each in the order of time. returns: whether what was done before may be the answer."""
    random, (_, many) = np.random.default_rng(seed), acts.shape
    items, seconds = acts.items.astype(np.int64), acts.times // SECOND
    firsts, ends = _histories(acts.users, seconds)
    told = np.flatnonzero(ends > firsts)
    counts = np.bincount(items, minlength=many)
    weights = _begun(counts, random)
    adam, left, size = Adam(weights, RATE, STEADY), STEPS, int(np.clip(len(told) // MANY, SMALL, BATCH))
    often = sampled_softmax.often(counts, size)
    for _ in range(PASSES):
        order = random.permutation(told)
        for begin in range(0, len(order), size)[:left]:
            rows = order[begin : begin + size]
            known = so_far(items, seconds, firsts[rows], ends[rows], seconds[rows], many)
            adam.step(_slopes(weights, known, items[rows], returns, often, random))
        left = max(left - -(-len(order) // size), 0)
    return adam.mean


def hidden(weights: Weights, known: SoFar) -> np.ndarray:
    """float32 [n, HIDDEN]: what the network makes of histories."""
    latest, whole, span, _, _ = weights
    return np.tanh(known.latest @ latest + known.whole @ whole + span[known.span])


def _histories(users: np.ndarray, seconds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(firsts, ends) int64 [acts]: the acts of the same user in earlier seconds; within one no order is told."""
    firsts = np.searchsorted(users, users, "left")
    begins = np.ones(len(users), bool)
    begins[1:] = (np.diff(users) != 0) | (np.diff(seconds) != 0)
    return firsts, np.flatnonzero(begins)[np.cumsum(begins) - 1]


def _begun(counts: np.ndarray, random: np.random.Generator) -> Weights:
    """Layers of chance around what everybody does."""
    many = len(counts)
    spread = np.float32(np.sqrt(2 / (many + HIDDEN)))
    latest, whole, leave = (random.standard_normal((many, HIDDEN), np.float32) * spread for _ in range(3))
    usual = np.log((counts + 1) / (counts + 1).sum()).astype(np.float32)
    return latest, whole, np.zeros((SPANS, HIDDEN), np.float32), leave, usual


def _slopes(
    weights: Weights, known: SoFar, items: np.ndarray, returns: bool, often: np.ndarray, random: np.random.Generator
) -> Weights:
    """Of what is lost in telling the items of a batch, int64 [n]. often: as `sampled_softmax.often` gives it."""
    latest, whole, _, leave, usual = weights
    bent = hidden(weights, known)
    awake = (random.random(bent.shape, np.float32) >= ASLEEP) / np.float32(1 - ASLEEP)
    asked, right = np.unique(items, return_inverse=True)
    odds = (bent * awake) @ leave[asked].T + usual[asked] - often[asked]
    wrong = sampled_softmax.wrong(odds, np.float32(0) if returns else _among(known, asked, len(usual)), right)
    decay = np.float32(DECAY)
    to_leave, to_usual = decay * leave, np.zeros_like(usual)
    to_leave[asked] += wrong.T @ (bent * awake)
    to_usual[asked] = wrong.sum(axis=0)
    back = (wrong @ leave[asked]) * awake * (1 - bent * bent)
    to_span = (np.arange(SPANS)[:, None] == known.span).astype(np.float32) @ back
    return known.latest.T @ back + decay * latest, known.whole.T @ back + decay * whole, to_span, to_leave, to_usual


def _among(known: SoFar, asked: np.ndarray, many: int) -> np.ndarray:
    """float32 [n, asked]: 1 for each item that is in the history."""
    place = np.full(many, -1)
    place[asked] = np.arange(len(asked))
    found = place[known.whole.indices]
    rows = np.repeat(np.arange(len(known)), np.diff(known.whole.indptr))
    among = np.zeros((len(known), len(asked)), np.float32)
    among[rows[found >= 0], found[found >= 0]] = 1
    return among
