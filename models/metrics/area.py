"""AUC: the chance that a positive scores above a negative, a tie counting half; over all rows, and user by user."""

from collections.abc import Callable

import numpy as np

from models.metrics.ranking import check


def auc(labels: np.ndarray, scores: np.ndarray, weights: np.ndarray | None = None) -> float:
    """The chance that a positive scores above a negative, a tie counting half; NaN where one of both is missing.

    weights: how often each row counts, [rows]; once where absent.
    """
    weights = np.ones(len(labels)) if weights is None else weights
    return float(auc_draws(labels, scores, lambda order: weights[None, order])[0])


def auc_draws(labels: np.ndarray, scores: np.ndarray, weights: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """AUC under each of several weightings of the rows, float64 [draws].

    weights: gives how often each row counts in each draw, [draws, rows], for the rows in the order it is told.
    """
    check(labels, scores)
    order = np.argsort(scores, kind="stable")
    ordered, positive = np.asarray(scores)[order], np.asarray(labels, bool)[order]
    first, last = np.searchsorted(ordered, ordered, "left"), np.searchsorted(ordered, ordered, "right")
    drawn = weights(order).astype(np.float64)
    negatives = np.zeros((len(drawn), len(order) + 1))
    np.cumsum(drawn * ~positive, axis=1, out=negatives[:, 1:])
    below = negatives[:, first[positive]] + negatives[:, last[positive]]  # twice, so that a tie counts half
    up = drawn[:, positive]
    pairs = up.sum(axis=1) * negatives[:, -1]
    return np.divide((up * below).sum(axis=1) / 2, pairs, out=np.full(len(pairs), np.nan), where=pairs > 0)


def auc_by_user(users: np.ndarray, labels: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(user codes, AUC, rows of the user) of each user with both outcomes, all [users]; a tie counts half.

    The mean of the AUC weighted by the rows is the per-user AUC weighted by exposure.
    """
    check(labels, scores)
    order = np.lexsort((scores, users))
    user, score, positive = np.asarray(users)[order], np.asarray(scores)[order], np.asarray(labels, np.float64)[order]
    codes, starts, sizes = np.unique(user, return_index=True, return_counts=True)
    new = np.r_[True, (score[1:] != score[:-1]) | (user[1:] != user[:-1])] if len(order) else np.zeros(0, bool)
    first, length = np.flatnonzero(new), np.diff(np.r_[np.flatnonzero(new), len(order)])
    places = np.repeat(first + (length - 1) / 2, length) - np.repeat(starts, sizes)  # the mean place of a tie, from 0
    hits = np.add.reduceat(positive, starts) if len(order) else np.zeros(0)
    below = (np.add.reduceat(places * positive, starts) if len(order) else hits) - hits * (hits - 1) / 2
    both = (hits > 0) & (hits < sizes)
    return codes[both], below[both] / (hits * (sizes - hits))[both], sizes[both]
