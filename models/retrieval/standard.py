"""Scores of one viewer on a scale that means the same for every viewer: what a ranker can learn across them."""

import numpy as np


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
