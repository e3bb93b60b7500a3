"""How good a ranking is: of each group (a request) and of each user, in whole columns.

A group is a code, any integer; rows may come in any order. Labels are 0 or 1, a higher score ranks first. Equal scores
are ordered by a shuffle with a fixed seed, so that the order of the rows, which may betray the label, decides nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

SEED = 20_240_229


@dataclass(frozen=True)
class Ranking:
    """Rows ordered by group, then by score. Groups are numbered 0.. in the order of their sorted codes.

    groups: the codes, int64 [groups]. starts: each group's first place, [groups]. order: place -> row, [rows].
    ranks: place -> rank within its group from 0, [rows]. labels: 0 or 1 at each place, float64 [rows].
    """

    groups: np.ndarray
    starts: np.ndarray
    order: np.ndarray
    ranks: np.ndarray
    labels: np.ndarray

    def sum(self, values: np.ndarray) -> np.ndarray:
        """Sums of `values` [rows, by place] over each group, [groups]."""
        return np.add.reduceat(values, self.starts) if len(values) else np.zeros(0)

    @property
    def relevant(self) -> np.ndarray:
        """Positives of each group."""
        return self.sum(self.labels)


def rank(groups: np.ndarray, labels: np.ndarray, scores: np.ndarray) -> Ranking:
    """Orders rows [n] for the measures below; ValueError when a score is missing or a label is neither 0 nor 1."""
    _check(labels, scores)
    shuffle = np.random.default_rng(SEED).permutation(len(groups))
    order = np.lexsort((shuffle, -np.asarray(scores, np.float64), groups))
    codes, starts, sizes = np.unique(np.asarray(groups)[order], return_index=True, return_counts=True)
    ranks = np.arange(len(order)) - np.repeat(starts, sizes)
    return Ranking(codes, starts, order, ranks, np.asarray(labels, np.float64)[order])


def ndcg(ranking: Ranking, k: int) -> np.ndarray:
    """Normalized discounted cumulative gain of the first k, [groups]; NaN for a group without a positive."""
    gains = np.where(ranking.ranks < k, ranking.labels / np.log2(ranking.ranks + 2), 0)
    ideal = np.cumsum(1 / np.log2(np.arange(k) + 2))
    best = ideal[np.clip(ranking.relevant.astype(np.int64), 1, k) - 1]
    return _where_relevant(ranking, ranking.sum(gains) / best)


def recall(ranking: Ranking, k: int) -> np.ndarray:
    """Share of the positives that are among the first k, [groups]; NaN for a group without a positive."""
    found = ranking.sum(np.where(ranking.ranks < k, ranking.labels, 0))
    return _where_relevant(ranking, found / np.maximum(ranking.relevant, 1))


def average_precision(ranking: Ranking, k: int) -> np.ndarray:
    """Mean of the precision at each positive among the first k, over the positives that k can hold, [groups].

    NaN for a group without a positive. Its mean over groups is MAP@k.
    """
    running = np.cumsum(ranking.labels)
    before = np.repeat((running - ranking.labels)[ranking.starts], _sizes(ranking))
    precision = (running - before) / (ranking.ranks + 1)
    total = ranking.sum(np.where(ranking.ranks < k, precision * ranking.labels, 0))
    return _where_relevant(ranking, total / np.clip(ranking.relevant, 1, k))


def coverage(ranking: Ranking, items: np.ndarray, k: int, catalogue: int) -> float:
    """Share of a catalogue of `catalogue` items that is among the first k of any group. items: codes by row, [rows]."""
    shown = np.asarray(items)[ranking.order[ranking.ranks < k]]
    return len(np.unique(shown)) / catalogue if catalogue else float("nan")


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
    _check(labels, scores)
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
    _check(labels, scores)
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


def _sizes(ranking: Ranking) -> np.ndarray:
    return np.diff(np.r_[ranking.starts, len(ranking.order)])


def _where_relevant(ranking: Ranking, values: np.ndarray) -> np.ndarray:
    return np.where(ranking.relevant > 0, values, np.nan)


def _check(labels: np.ndarray, scores: np.ndarray) -> None:
    if not np.isfinite(scores).all():
        raise ValueError(
            f"scores: expected finite numbers, found {np.count_nonzero(~np.isfinite(scores))} that are not"
        )
    if not np.isin(labels, (0, 1)).all():
        raise ValueError(f"labels: expected 0 or 1, found {sorted(set(np.unique(labels)) - {0, 1})[:5]}")
