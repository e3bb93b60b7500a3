"""Maximal marginal relevance: each slot goes to the item with the best balance of score and novelty to those above it.

value(i) = (1 - weight) * score(i) - weight * max over items above of likeness(i, above). The score is brought to 0..1
over the list, so that the ranker's scale does not matter; likeness is 0..1 as well.
Source: Carbonell and Goldstein, "The use of MMR, diversity-based reranking", SIGIR 1998.
"""

from dataclasses import dataclass

import numpy as np

from models.items import Items
from models.rerank.step import Context, Ranked
from models.rerank.words import moves

OF_TOPICS, OF_CREATOR = 0.7, 0.3  # of the likeness of two items


@dataclass(frozen=True)
class Mmr:
    """weight: 0 leaves the order as it is, 1 looks at likeness alone."""

    weight: float
    name: str = "mmr"

    def lacks(self, context: Context) -> str | None:
        known = any(context.items.known(column) for column in ("topics", "creator_id"))
        return None if known else "no item has a topic or a creator"

    def apply(self, ranked: Ranked, context: Context) -> Ranked:
        if not len(ranked):
            return ranked
        order = _order(_to_one(ranked.values), Likeness.of(context.items, ranked.places), self.weight, context.k)
        said = moves(ranked, order, context.k, {}, "unlike the items above it", "alike to items above it")
        return ranked.reordered(order, said)


@dataclass(frozen=True)
class Likeness:
    """topics: float64 [n, topics among them], rows of length 1. creators: int32 [n], -1 for none.

    Items without topics are alike, and so are those without a creator: were they unlike all others, lists would fill
    with what nobody described.
    """

    topics: np.ndarray
    creators: np.ndarray

    @classmethod
    def of(cls, items: Items, places: np.ndarray) -> "Likeness":
        codes = items.topics[0][places]
        distinct = np.unique(np.append(codes, -1))  # a catalogue has more topics than a list of candidates
        topics = np.zeros((len(places), len(distinct)))
        topics[np.arange(len(places))[:, None], np.searchsorted(distinct, codes)] = 1
        topics[:, 0] = ~topics[:, 1:].any(axis=1)  # -1 stands first
        length = np.sqrt(topics.sum(axis=1, keepdims=True))
        return cls(topics / length, items.creators[0][places])

    def to(self, row: int) -> np.ndarray:
        """Of each item to the one at `row`, 0 to 1, float64 [n]: the cosine of their topics, and the same creator."""
        same = self.creators == self.creators[row]
        return OF_TOPICS * (self.topics @ self.topics[row]) + OF_CREATOR * same


def _order(relevance: np.ndarray, likeness: Likeness, weight: float, k: int) -> np.ndarray:
    """The new order: the first k by marginal relevance, the others as they were."""
    worth, alike = (1 - weight) * relevance, np.zeros(len(relevance))
    open_to, chosen = np.ones(len(relevance), bool), []
    for _ in range(min(k, len(relevance))):
        best = int((worth - weight * alike).argmax())
        chosen.append(best)
        worth[best] = -np.inf  # whatever it is like, it is not chosen again
        np.maximum(alike, likeness.to(best), out=alike)
    open_to[chosen] = False
    return np.concatenate([np.array(chosen, np.int64), np.flatnonzero(open_to)])


def _to_one(values: np.ndarray) -> np.ndarray:
    low, high = values.min(), values.max()
    return (values - low) / (high - low) if high > low else np.zeros(len(values))
