"""What a source says that proposes nothing: its scores order what others found."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from models.retrieval.source import NOTHING, Found, best


def said_only(scores: np.ndarray) -> Found:
    """scores: float32 [items], NaN where there is nothing to say."""
    return best(scores, np.zeros(len(scores), bool), 0)


def said_of(scores: Callable[[np.ndarray], np.ndarray], items: int) -> Found:
    """The same where scores are computed for those alone that are asked about: `scores` of places below `items`, each
    by itself, so that its bits are the same whichever others are asked with it."""

    def of(places: np.ndarray) -> np.ndarray:
        told, known = np.full(len(places), np.nan, np.float32), places < items
        told[known] = scores(places[known])
        return told

    return replace(NOTHING, of=of)
