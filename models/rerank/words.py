"""What a step did to the order of a list, in words for a person."""

from collections.abc import Mapping

import numpy as np

from models.rerank.step import Ranked


def moves(ranked: Ranked, order: np.ndarray, k: int, why: Mapping[int, str], up: str, down: str) -> dict[int, str]:
    """place -> "moved down 3: ...", of the items that were or are among the first k and have another position now.

    order: the old position at each new one, int64 [n]. why: old position -> the reason, where the step knows one of
    this item; up, down: the reason of all others that moved so.
    """
    new = np.arange(len(order))
    told = np.flatnonzero((order != new) & ((new < k) | (order < k)))
    steps = zip(told.tolist(), order[told].tolist(), ranked.places[order[told]].tolist(), strict=True)
    return {
        place: f"moved {'up' if old > at else 'down'} {abs(old - at)}: {why.get(old, up if old > at else down)}"
        for at, old, place in steps
    }
