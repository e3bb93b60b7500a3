"""What is asked and what comes back, in the platform's terms: string ids, microseconds, arrays."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from models.explain import Explanation
    from streamrank.stores.reader import OnlineRead

UNKNOWN_USER = "unknown_user"
STORE_UNAVAILABLE = "online_store_unavailable"
FEATURE_TIMEOUT = "feature_timeout"
FEATURE_ERROR = "feature_error"

HISTORY, PICKED, TOPICS, PROFILE = "history", "picked", "topics", "profile"


@dataclass(frozen=True)
class Query:
    """item_ids: what to rank, each once; None: the service chooses. as_of_us: the request's instant, us UTC.

    include_upcoming: whether the service may choose what can be watched only later. k: how many are answered at most.
    picked, topics: items and topics that the user named as liked. explain: whether to say why. seed: for what is drawn.
    """

    user_id: str
    item_ids: list[str] | None
    as_of_us: int
    surface: str | None
    include_upcoming: bool = False
    k: int = 10
    picked: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    explain: bool = False
    seed: int = 0


@dataclass(frozen=True)
class Stages:
    """What became of candidates before they were answered; rows are in the order in which candidates came.

    sources: those that were asked. ranks: float32 [rows, sources], from 1, NaN where a source did not find the item.
    stood: int32 [rows], the place that the ranker gave, from 1. propensity: float64 [rows], of what was drawn for a
    slot, NaN where nothing is said. changes: row -> what re-ranking did. explanations: row -> why, of those answered.
    """

    sources: tuple[str, ...]
    ranks: np.ndarray
    stood: np.ndarray
    propensity: np.ndarray
    changes: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    explanations: Mapping[int, "Explanation"] = field(default_factory=dict)


@dataclass(frozen=True)
class Ranked:
    """Items in the order in which they are shown. item_ids: str [n]. scores: float [n], of the ranker.

    fallback: why it is one, or None. features: float32 [rows, features] as read and scored, None in a fallback. read:
    what was read of the items, asked: of the viewer; None where nothing was. They, and stages, are in the order in
    which candidates came; places: int64 [n], the rows of the ranked items in it. left: what re-ranking left out.
    known_by: what the list is made for, HISTORY, PICKED, TOPICS or PROFILE; None for nobody. stated_topics: those of
    the request that features took. unknown_picked, unknown_topics: picked items and named topics that the catalogue
    does not have. unknown_candidates: given items of which nothing is known; they are not among the ranked ones.
    """

    item_ids: np.ndarray
    scores: np.ndarray
    places: np.ndarray
    fallback: str | None
    features: np.ndarray | None = None
    read: "OnlineRead | None" = None
    asked: "OnlineRead | None" = None
    stages: Stages | None = None
    left: "Left | None" = None
    known_by: str | None = None
    stated_topics: tuple[str, ...] = ()
    unknown_picked: tuple[str, ...] = ()
    unknown_topics: tuple[str, ...] = ()
    unknown_candidates: tuple[str, ...] = ()

    @property
    def degraded(self) -> bool:
        """Whether features could not be read, so that a known user got what an unknown one gets."""
        return self.fallback in (STORE_UNAVAILABLE, FEATURE_TIMEOUT, FEATURE_ERROR)

    def without(self, left_out: np.ndarray) -> "Ranked":
        """The same without the items where `left_out`, bool [n], is true."""
        if not left_out.any():
            return self
        kept = ~left_out
        return replace(self, item_ids=self.item_ids[kept], scores=self.scores[kept], places=self.places[kept])


@dataclass(frozen=True)
class Left:
    """Candidates that re-ranking left out: item_ids str [m], scores float [m], their rows int64 [m]."""

    item_ids: np.ndarray
    scores: np.ndarray
    places: np.ndarray


def ranked(
    item_ids: np.ndarray, scores: np.ndarray, features: np.ndarray | None, fallback: str | None,
    read: "OnlineRead | None" = None,
) -> Ranked:  # fmt: skip
    """The same items in descending score."""
    order = np.argsort(-scores, kind="stable")
    return Ranked(item_ids[order], scores[order], order, fallback, features, read)
