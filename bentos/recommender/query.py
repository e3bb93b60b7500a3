"""What is asked and what comes back, in the platform's terms: string ids, microseconds, arrays."""

from dataclasses import dataclass

import numpy as np

UNKNOWN_USER = "unknown_user"
STORE_UNAVAILABLE = "online_store_unavailable"
FEATURE_TIMEOUT = "feature_timeout"
FEATURE_ERROR = "feature_error"


@dataclass(frozen=True)
class Query:
    """item_ids: what to rank, each once; None: the service chooses. as_of_us: the request's instant, us UTC."""

    user_id: str
    item_ids: list[str] | None
    as_of_us: int
    surface: str | None


@dataclass(frozen=True)
class Ranked:
    """Items in descending score; equal ones stay as they came. item_ids: str [n]. scores: float [n].

    features: float32 [n, features] as read and scored, None in a fallback. fallback: why it is one, or None.
    """

    item_ids: np.ndarray
    scores: np.ndarray
    features: np.ndarray | None
    fallback: str | None

    @property
    def degraded(self) -> bool:
        """Whether features could not be read, so that a known user got what an unknown one gets."""
        return self.fallback in (STORE_UNAVAILABLE, FEATURE_TIMEOUT, FEATURE_ERROR)


def ranked(item_ids: np.ndarray, scores: np.ndarray, features: np.ndarray | None, fallback: str | None) -> Ranked:
    """The same rows in descending score."""
    order = np.argsort(-scores, kind="stable")
    return Ranked(item_ids[order], scores[order], None if features is None else features[order], fallback)
