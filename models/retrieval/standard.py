"""Scores of one viewer on a scale that means the same for every viewer: what a ranker can learn across them."""

import numpy as np

from models.retrieval.source import Found


def standard(scores: np.ndarray, allowed: np.ndarray) -> np.ndarray:
    """float32 [items]: how many standard deviations each score lies above the mean of the items that are allowed.

    scores: float32 [items], NaN for none, which counts as 0 in the mean and stays NaN. allowed: bool, at least as long.
    The order stays; only the scale goes, which tells how much a viewer did and not which item they want.
    """
    known = scores[allowed[: len(scores)]].astype(np.float64)
    if not len(known):
        return scores
    known[np.isnan(known)] = 0
    known -= (mean := known.mean())
    spread = np.sqrt((known * known).mean())
    return (scores - np.float32(mean)) / np.float32(spread if spread > 0 else 1)


def rescaled(found: Found, mean: float, spread: float) -> Found:
    """The same places with scores in standard deviations above the mean, both of which are given."""
    mean, spread = np.float32(mean), np.float32(spread if spread > 0 else 1)
    return Found(found.places, (found.scores - mean) / spread, lambda places: (found.of(places) - mean) / spread)
