"""Items that leave the list, whatever their score."""

import numpy as np

from models.rerank.step import Context, Ranked

LEFT = "left out"


def without(ranked: Ranked, unwanted: np.ndarray, why: str, context: Context) -> Ranked:
    """The list without the places `unwanted`, int64 [m]."""
    leaves = np.zeros(len(context.items), bool)
    leaves[unwanted] = True
    leaves = leaves[ranked.places]
    if not leaves.any():
        return ranked
    said = dict.fromkeys(ranked.places[leaves].tolist(), f"{LEFT}: {why}")
    return ranked.reordered(np.flatnonzero(~leaves), said)
