"""The contract of a step of re-ranking: it takes a ranked list and gives another, and says what it changed."""

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from models.items import Items
from models.viewer import Moment, Viewer


@dataclass(frozen=True)
class Ranked:
    """A list, best first. places: int64 [n]. scores: float64 [n] of the ranker, in the order of places.

    propensity: float64 [n], the probability with which this item was put into this slot, 1 where nothing was drawn.
    changes: place -> what steps did to it, in words for a person, in the order in which it was done.
    """

    places: np.ndarray
    scores: np.ndarray
    propensity: np.ndarray
    changes: dict[int, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Context:
    """viewer, moment, items: as sources see them. k: how many are shown. seed: of the request, for what is drawn."""

    viewer: Viewer
    moment: Moment
    items: Items
    k: int
    seed: int


class Step(Protocol):
    name: str

    def apply(self, ranked: Ranked, context: Context) -> Ranked:
        """The list anew; items may leave it, none may come in."""
