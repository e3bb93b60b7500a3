"""What is asked and what comes back, in the platform's terms: string ids, microseconds, arrays."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from streamrank.stores.reader import OnlineRead

UNKNOWN_USER = "unknown_user"
STORE_UNAVAILABLE = "online_store_unavailable"
FEATURE_TIMEOUT = "feature_timeout"
FEATURE_ERROR = "feature_error"


@dataclass(frozen=True)
class Query:
    """item_ids: what to rank, each once; None: the service chooses. as_of_us: the request's instant, us UTC.

    include_upcoming: whether the service may choose what can be watched only later.
    """

    user_id: str
    item_ids: list[str] | None
    as_of_us: int
    surface: str | None
    include_upcoming: bool = False


@dataclass(frozen=True)
class Ranked:
    """Items in descending score; equal ones stay as they came. item_ids: str [n]. scores: float [n].

    fallback: why it is one, or None. features: float32 [n, features] as read and scored, None in a fallback. read: what
    was read, None where nothing was. Both are in the order in which the items came; places: int64 [n] of the ranked
    items in it.
    """

    item_ids: np.ndarray
    scores: np.ndarray
    places: np.ndarray
    fallback: str | None
    features: np.ndarray | None = None
    read: "OnlineRead | None" = None

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


def ranked(
    item_ids: np.ndarray, scores: np.ndarray, features: np.ndarray | None, fallback: str | None,
    read: "OnlineRead | None" = None,
) -> Ranked:  # fmt: skip
    """The same items in descending score."""
    order = np.argsort(-scores, kind="stable")
    return Ranked(item_ids[order], scores[order], order, fallback, features, read)
