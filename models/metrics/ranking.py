"""Rows or lists brought into one order, on which every measure is taken in whole columns.

A group (a request) is a code, any integer; rows may come in any order. Labels are 0 or 1, a higher score ranks first.
Equal scores are ordered by a shuffle with a fixed seed, so that the order of the rows, which may betray the label,
decides nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

SEED = 20_240_229


@dataclass(frozen=True)
class Ranking:
    """Rows ordered by group, then by score. Groups are numbered 0.. in the order of their sorted codes.

    groups: the codes, int64 [groups]. starts: each group's first place, [groups]. order: place -> row, [rows].
    ranks: place -> rank within its group from 0, [rows]. labels: 0 or 1 at each place, float64 [rows].
    wanted: positives of each group, [groups], where not all of them are among the rows; None where they are.
    """

    groups: np.ndarray
    starts: np.ndarray
    order: np.ndarray
    ranks: np.ndarray
    labels: np.ndarray
    wanted: np.ndarray | None = None

    @property
    def sizes(self) -> np.ndarray:
        """Rows of each group, [groups]."""
        return np.diff(np.r_[self.starts, len(self.order)])

    def sum(self, values: np.ndarray) -> np.ndarray:
        """Sums of `values` [rows, by place] over each group, [groups]; 0 for a group without rows."""
        sums = np.add.reduceat(np.append(values, 0.0), self.starts) if len(self.starts) else np.zeros(0)
        return np.where(self.sizes > 0, sums, 0)

    @property
    def relevant(self) -> np.ndarray:
        """Positives of each group, found or not, [groups]."""
        return self.sum(self.labels) if self.wanted is None else self.wanted


def rank(groups: np.ndarray, labels: np.ndarray, scores: np.ndarray) -> Ranking:
    """Orders rows [n] for the measures; ValueError when a score is missing or a label is neither 0 nor 1."""
    check(labels, scores)
    shuffle = np.random.default_rng(SEED).permutation(len(groups))
    order = np.lexsort((shuffle, -np.asarray(scores, np.float64), groups))
    codes, starts, sizes = np.unique(np.asarray(groups)[order], return_index=True, return_counts=True)
    ranks = np.arange(len(order)) - np.repeat(starts, sizes)
    return Ranking(codes, starts, order, ranks, np.asarray(labels, np.float64)[order])


def listed(lists: Sequence[np.ndarray], wanted: Sequence[np.ndarray]) -> Ranking:
    """The lists that were answered, one a request, best first, and what was wanted of each: places, int64, each once.

    Row r of the ranking is place r of `np.concatenate(lists)`; a list may be empty, and may lack what was wanted.
    ValueError when there are not as many lists as wishes.
    """
    if len(lists) != len(wanted):
        raise ValueError(f"lists: expected one for each of {len(wanted)} requests, found {len(lists)}")
    sizes, wishes = np.array([*map(len, lists)], np.int64), np.array([*map(len, wanted)], np.int64)
    rows, starts = int(sizes.sum()), np.cumsum(sizes) - sizes
    found = np.isin(_keys(lists, sizes), _keys(wanted, wishes))
    ranks = np.arange(rows) - np.repeat(starts, sizes)
    return Ranking(np.arange(len(lists)), starts, np.arange(rows), ranks, found.astype(np.float64), wishes)


def check(labels: np.ndarray, scores: np.ndarray) -> None:
    """ValueError when a score is missing or a label is neither 0 nor 1."""
    if not np.isfinite(scores).all():
        raise ValueError(
            f"scores: expected finite numbers, found {np.count_nonzero(~np.isfinite(scores))} that are not"
        )
    if not np.isin(labels, (0, 1)).all():
        raise ValueError(f"labels: expected 0 or 1, found {sorted(set(np.unique(labels)) - {0, 1})[:5]}")


def _keys(lists: Sequence[np.ndarray], sizes: np.ndarray) -> np.ndarray:
    """A number for each (request, place), int64 [rows]."""
    places = np.concatenate([*lists, np.zeros(0, np.int64)]).astype(np.int64)
    return np.repeat(np.arange(len(sizes)), sizes) << 40 | places
