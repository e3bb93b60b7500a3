"""The contract of a step of re-ranking: it takes a ranked list and gives another, and says what it changed."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol, Self

import numpy as np

from models.items import Items
from models.viewer import Moment, Viewer


@dataclass(frozen=True)
class Ranked:
    """A list, best first. places: int64 [n]. scores: float64 [n] of the ranker, in the order of places.

    propensity: float64 [n], the probability with which this item was put into this slot, 1 where nothing was drawn, NaN
    behind the slots that are shown once something was (see `models/rerank/exploration.py`).
    changes: place -> what steps did to it, in words for a person, in the order in which it was done; items that left
    the list are among them. boost: float64 [n], what steps added to the ranker's score; None for nothing.
    """

    places: np.ndarray
    scores: np.ndarray
    propensity: np.ndarray
    changes: dict[int, tuple[str, ...]] = field(default_factory=dict)
    boost: np.ndarray | None = None

    @classmethod
    def of(cls, places: np.ndarray, scores: np.ndarray) -> Self:
        """The list of these places [n] by their scores [n], the best first; equal scores as they come."""
        order = np.argsort(-np.asarray(scores, np.float64), kind="stable")
        return cls(np.asarray(places, np.int64)[order], np.asarray(scores, np.float64)[order], np.ones(len(order)))

    def __len__(self) -> int:
        return len(self.places)

    @property
    def values(self) -> np.ndarray:
        """What the list is worth item by item, float64 [n]: the ranker's score and what steps added to it."""
        return self.scores if self.boost is None else self.scores + self.boost

    def reordered(self, order: np.ndarray, said: Mapping[int, str]) -> Self:
        """The list of the positions `order`, int64 [m] of this one, each at most once. said: place -> what was done."""
        changes = self.changes | {place: (*self.changes.get(place, ()), words) for place, words in said.items()}
        boost = None if self.boost is None else self.boost[order]
        return replace(
            self, places=self.places[order], scores=self.scores[order], propensity=self.propensity[order],
            changes=changes, boost=boost,
        )  # fmt: skip


@dataclass(frozen=True)
class Context:
    """viewer, moment, items: as sources see them. k: how many are shown. seed: of the request, for what is drawn.

    impressions, clicks: [items], how often each item was shown and how often that led to what is wanted, as known at
    the moment; None where nobody counts them. Fractions are allowed: counts may be decayed.
    """

    viewer: Viewer
    moment: Moment
    items: Items
    k: int
    seed: int
    impressions: np.ndarray | None = None
    clicks: np.ndarray | None = None


class Step(Protocol):
    name: str

    def lacks(self, context: Context) -> str | None:
        """What the step needs and is not there, in words, and then it is left out; None when it can work."""

    def apply(self, ranked: Ranked, context: Context) -> Ranked:
        """The list anew; items may leave it, none may come in."""
