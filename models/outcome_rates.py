"""What an item is expected to be clicked, by a model that has not seen the row it is asked about."""

import numpy as np

FOLDS = 5
PRIOR = 1_000.0  # rows that the mean over all items weighs: click rates are small, and few items have many clicks
SEED = 11


def cross_fitted(items: np.ndarray, rewards: np.ndarray, catalogue: int, units: np.ndarray | None = None) -> np.ndarray:
    """The mean reward of every item as the other folds know it, float64 [n, catalogue], drawn towards their mean.

    items: codes [n]. rewards: [n]. units: codes [n]; rows of a unit are in one fold, so that none knows another.
    Cross-fitting keeps a doubly robust estimate honest: Chernozhukov et al., "Double/debiased machine learning", 2018.
    """
    units = np.arange(len(items)) if units is None else np.unique(units, return_inverse=True)[1]
    fold = np.random.default_rng(SEED).integers(0, FOLDS, units.max(initial=0) + 1)[units]
    cells = fold * catalogue + items
    shown = np.bincount(cells, minlength=FOLDS * catalogue).reshape(FOLDS, catalogue)
    earned = np.bincount(cells, rewards, FOLDS * catalogue).reshape(FOLDS, catalogue)
    others, gains = shown.sum(axis=0) - shown, earned.sum(axis=0) - earned
    mean = gains.sum(axis=1, keepdims=True) / np.maximum(others.sum(axis=1, keepdims=True), 1)
    return ((gains + PRIOR * mean) / (others + PRIOR))[fold]
