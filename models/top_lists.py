"""How good lists are that were cut at a depth: of each question, in whole columns.

A question wants some items and is given a list of items, best first. What stands behind the list's end, or was not
found at all, counts as one tie behind it.
"""

from dataclasses import dataclass

import numpy as np

NOWHERE = 1 << 40
"""The rank of an item that is not in the list."""


@dataclass(frozen=True)
class TopLists:
    """lists: int32 [questions, depth], places of items, best first, -1 behind the end. offered: int64 [questions], how
    many items could have been ranked. owner: int64 [wanted], the question of each wanted item, ascending. ranks: int64
    [wanted], its place in the list from 0, NOWHERE where it is not there.
    """

    lists: np.ndarray
    offered: np.ndarray
    owner: np.ndarray
    ranks: np.ndarray

    @classmethod
    def of(cls, lists: np.ndarray, offered: np.ndarray, owner: np.ndarray, wanted: np.ndarray) -> "TopLists":
        """wanted: int64 [wanted], places of items, each question's together; those of `owner`."""
        same = lists[owner] == wanted[:, None]
        return cls(lists, offered, owner, np.where(same.any(axis=1), same.argmax(axis=1), NOWHERE))

    def only(self, wanted: np.ndarray) -> "TopLists":
        """As if only these of the wanted items, bool [wanted], had been wanted."""
        return TopLists(self.lists, self.offered, self.owner[wanted], self.ranks[wanted])

    @property
    def relevant(self) -> np.ndarray:
        """How many items each question wants, int64 [questions]."""
        return np.bincount(self.owner, minlength=len(self.lists))

    def total(self, values: np.ndarray) -> np.ndarray:
        """Sums of `values` [wanted] over each question, float64 [questions]; NaN where nothing is wanted."""
        sums = np.bincount(self.owner, values, minlength=len(self.lists))
        return np.where(self.relevant > 0, sums, np.nan)


def hit(top: TopLists, k: int) -> np.ndarray:
    """1 where any wanted item is among the first k, else 0, [questions]."""
    return np.minimum(top.total(top.ranks < k), 1.0)


def precision(top: TopLists, k: int) -> np.ndarray:
    """Share of the first k slots that hold a wanted item, [questions]; an empty slot holds none."""
    return top.total(top.ranks < k) / k


def recall(top: TopLists, k: int) -> np.ndarray:
    """Share of the wanted items that are among the first k, [questions]."""
    return top.total(top.ranks < k) / np.maximum(top.relevant, 1)


def ndcg(top: TopLists, k: int) -> np.ndarray:
    """Normalized discounted cumulative gain of the first k, [questions]."""
    gains = np.where(top.ranks < k, 1 / np.log2(np.minimum(top.ranks, k) + 2.0), 0.0)
    ideal = np.cumsum(1 / np.log2(np.arange(k) + 2.0))
    return top.total(gains) / ideal[np.clip(top.relevant, 1, k) - 1]


def average_precision(top: TopLists, k: int, of_all: bool = False) -> np.ndarray:
    """Mean of the precision at each wanted item among the first k, [questions].

    Over the items that k slots can hold, or `of_all`, over all that are wanted (Microsoft's recommenders' `map`).
    """
    order = np.lexsort((top.ranks, top.owner))
    starts = np.cumsum(top.relevant) - top.relevant
    number = np.empty(len(order))
    number[order] = np.arange(len(order)) - starts[top.owner[order]] + 1  # of the wanted items, by their rank
    found = np.where(top.ranks < k, number / (top.ranks + 1.0), 0.0)
    return top.total(found) / np.maximum(top.relevant if of_all else np.minimum(top.relevant, k), 1)


def reciprocal_rank(top: TopLists) -> np.ndarray:
    """1 over the rank, from 1, of the first wanted item in the list, 0 where none is, [questions]."""
    first = np.full(len(top.lists), NOWHERE)
    np.minimum.at(first, top.owner, top.ranks)
    return np.where(top.relevant > 0, np.where(first < NOWHERE, 1 / (first + 1.0), 0.0), np.nan)


def area(top: TopLists) -> np.ndarray:
    """The chance that a wanted item stands above another that was offered, a tie counting half, [questions].

    NaN where nothing else was offered.
    """
    length, wanted = (top.lists >= 0).sum(axis=1), top.relevant
    order = np.lexsort((top.ranks, top.owner))
    number = np.empty(len(order))
    number[order] = np.arange(len(order)) - (np.cumsum(wanted) - wanted)[top.owner[order]]
    listed = top.ranks < NOWHERE
    in_list = np.bincount(top.owner, listed, minlength=len(top.lists))
    behind = np.maximum(top.offered - length - (wanted - in_list), 0)  # others that are nowhere
    above = np.where(listed, top.ranks - number, (length - in_list)[top.owner])
    lost = above + np.where(listed, 0, behind[top.owner] / 2)
    others = np.maximum(top.offered - wanted, 0)
    share = np.divide(top.total(lost), wanted * others, out=np.full(len(others), np.nan), where=wanted * others > 0)
    return 1 - share


def mean_of_list(lists: np.ndarray, values: np.ndarray, k: int) -> np.ndarray:
    """The mean of an item's `values` [items] over the first k of each list, [questions]; NaN for an empty list."""
    first = lists[:, :k]
    there = first >= 0
    sums, counts = np.where(there, values[first], 0.0).sum(axis=1), there.sum(axis=1)
    return np.divide(sums, counts, out=np.full(len(lists), np.nan), where=counts > 0)


def distinct_of_list(lists: np.ndarray, starts: np.ndarray, codes: np.ndarray, k: int) -> np.ndarray:
    """How many different codes the items of the first k of each list have, [questions].

    starts: int64 [items + 1], where each item's codes begin in `codes`, int64: its topics.
    """
    rows, columns = np.nonzero(lists[:, :k] >= 0)
    places = lists[rows, columns]
    lengths = starts[places + 1] - starts[places]
    offsets = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    pairs = np.repeat(rows, lengths), codes[np.repeat(starts[places], lengths) + offsets]
    if not len(pairs[0]):
        return np.zeros(len(lists))
    different = np.unique(np.stack(pairs), axis=1)[0]
    return np.bincount(different, minlength=len(lists)).astype(np.float64)
