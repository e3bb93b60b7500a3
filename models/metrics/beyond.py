"""What lists are like apart from being right: how much of the catalogue they show, how varied, how popular, how new.

Values of rows are in the order in which the rows were given: [rows] to `rank`, `np.concatenate(lists)` of `listed`.
"""

import numpy as np

from models.metrics.ranking import Ranking


def coverage(ranking: Ranking, items: np.ndarray, k: int, catalogue: int) -> float:
    """Share of a catalogue of `catalogue` items that is among the first k of any group. items: codes by row, [rows]."""
    shown = np.asarray(items)[ranking.order[ranking.ranks < k]]
    return len(np.unique(shown)) / catalogue if catalogue else float("nan")


def topics_per_list(ranking: Ranking, topics: np.ndarray, k: int) -> np.ndarray:
    """Distinct topics among the first k of each group, [groups]; NaN for a group without rows.

    topics: codes by row, [rows], or [rows, most] where an item has several; below 0 is none.
    """
    codes = np.atleast_2d(np.asarray(topics).T).T[ranking.order]
    shown = (ranking.ranks < k)[:, None] & (codes >= 0)
    group = np.broadcast_to(_numbers(ranking)[:, None], codes.shape)[shown]
    distinct = np.unique(np.stack([group, codes[shown]]), axis=1)[0]
    return np.where(ranking.sizes > 0, np.bincount(distinct, minlength=len(ranking.groups)), np.nan)


def mean_of_shown(ranking: Ranking, values: np.ndarray, k: int) -> np.ndarray:
    """Mean of a value [rows] over the first k of each group, [groups]; NaN for a group without rows.

    With `popularity` of the items it is the popularity of a list, with `information` its novelty.
    """
    shown = ranking.ranks < k
    total = ranking.sum(np.where(shown, np.asarray(values, np.float64)[ranking.order], 0))
    return np.where(ranking.sizes > 0, total / np.maximum(ranking.sum(shown.astype(np.float64)), 1), np.nan)


def popularity(acts: np.ndarray) -> np.ndarray:
    """The percentile of each item by its acts, 0 to 1, float64 [items]: the share of items that have fewer, and half of
    those that have as many. Its mean over all items is 0.5. acts: [items], of the past."""
    ordered = np.sort(acts)
    return (np.searchsorted(ordered, acts, "left") + np.searchsorted(ordered, acts, "right")) / 2 / max(len(acts), 1)


def information(acts: np.ndarray) -> np.ndarray:
    """-log2 of each item's share of all acts, in bits, float64 [items]: how much of a surprise it is.

    An item without acts is taken to have one. Source: Castells, Vargas, Wang, "Novelty and diversity metrics", 2011.
    """
    return -np.log2(np.maximum(acts, 1) / max(np.sum(acts), 1))


def gini(shown: np.ndarray) -> float:
    """How unequally items are shown: 0 for all as often, near 1 for one alone; NaN where nothing is. shown: [items]."""
    ordered, items = np.sort(np.asarray(shown, np.float64)), len(shown)
    if not items or not ordered.sum():
        return float("nan")
    return float((2 * np.arange(1, items + 1) - items - 1) @ ordered / (items * ordered.sum()))


def times_shown(ranking: Ranking, items: np.ndarray, k: int, catalogue: int) -> np.ndarray:
    """How often each of `catalogue` items is among the first k of a group, int64 [catalogue]. items: places by row."""
    return np.bincount(np.asarray(items)[ranking.order[ranking.ranks < k]], minlength=catalogue)


def _numbers(ranking: Ranking) -> np.ndarray:
    return np.repeat(np.arange(len(ranking.groups)), ranking.sizes)
