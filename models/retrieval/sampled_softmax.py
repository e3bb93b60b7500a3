"""Chances among the items of a batch alone, as good to learn from as among all items and a fraction of the work.

Odds are corrected for how often each item is in a batch (sampled softmax: Bengio and Senécal 2008).
"""

import numpy as np

NEVER = np.float32(1e9)


def often(counts: np.ndarray, size: int) -> np.ndarray:
    """float32 [items]: the logarithm of each item's chance to be among `size` acts. counts: of its acts, [items]."""
    return np.log(-np.expm1(size * np.log1p(-(counts + 1e-3) / (counts.sum() + 1)))).astype(np.float32)


def wrong(odds: np.ndarray, known: np.ndarray, right: np.ndarray) -> np.ndarray:
    """float32 [n, asked]: chances less what is right, over n. odds: [n, asked], used up. known: 1 where an item is no
    answer, [n, asked]. right: int64 [n], the answer of each, one in any case."""
    rows = np.arange(len(odds))
    true = odds[rows, right]
    odds -= NEVER * known
    odds[rows, right] = true
    chances = softmax(odds)
    chances[rows, right] -= 1
    return chances / np.float32(len(odds))


def softmax(odds: np.ndarray) -> np.ndarray:
    """Of each row, in place."""
    odds -= odds.max(axis=1, keepdims=True)
    np.exp(odds, out=odds)
    odds /= odds.sum(axis=1, keepdims=True)
    return odds
