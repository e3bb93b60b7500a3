"""What a source says that proposes nothing: its scores order what others found."""

import numpy as np

from models.retrieval.source import Found, best


def said_only(scores: np.ndarray) -> Found:
    """scores: float32 [items], NaN where there is nothing to say."""
    return best(scores, np.zeros(len(scores), bool), 0)
