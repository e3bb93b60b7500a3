"""Which of several did they choose? A conditional logit (McFadden 1974), fitted by Newton's method."""

import numpy as np

RIDGE = 1.0
STEPS = 25
CLOSE = 1e-6


def choice_weights(features: np.ndarray, begins: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """float64 [K]: the weights under which what was chosen is likeliest, drawn to 0 by RIDGE.

    features: float64 [rows, K], the rows of one set of options side by side. begins: where each set begins, ascending,
    none empty. chosen: the row chosen in each set.
    """
    sets = np.repeat(np.arange(len(begins)), np.diff(np.append(begins, len(features))))
    weights = np.zeros(features.shape[1])
    for _ in range(STEPS):
        shares = _shares(features @ weights, begins, sets)
        expected = np.add.reduceat(shares[:, None] * features, begins)
        slope = (features[chosen] - expected).sum(axis=0) - RIDGE * weights
        bend = (features.T * shares) @ features - expected.T @ expected + RIDGE * np.eye(len(weights))
        step = np.clip(np.linalg.solve(bend, slope), -1, 1)
        now = _likelihood(weights, features, begins, sets, chosen)
        while _likelihood(weights + step, features, begins, sets, chosen) < now and np.abs(step).max() >= CLOSE:
            step = step / 2  # where signs say nearly the same, whole steps leap from side to side
        weights = weights + step
        if np.abs(step).max() < CLOSE:
            break
    return weights


def _likelihood(
    weights: np.ndarray, features: np.ndarray, begins: np.ndarray, sets: np.ndarray, chosen: np.ndarray
) -> float:
    """The logarithm of that of what was chosen, less the penalty."""
    shares = _shares(features @ weights, begins, sets)[chosen]
    return float(np.log(np.maximum(shares, np.finfo(float).tiny)).sum() - RIDGE / 2 * weights @ weights)


def _shares(utility: np.ndarray, begins: np.ndarray, sets: np.ndarray) -> np.ndarray:
    """The probability of each option within its set."""
    raised = np.exp(utility - np.maximum.reduceat(utility, begins)[sets])
    return raised / np.add.reduceat(raised, begins)[sets]
