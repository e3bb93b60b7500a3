"""Scores of some of the items, as most sources have that look at one viewer's own acts."""

import numpy as np

from models.retrieval.source import Found


def among(places: np.ndarray, scores: np.ndarray, allowed: np.ndarray, most: int) -> Found:
    """The best that are allowed, ties by place. places: int64 [n], ascending, each once. scores: float32 [n], NaN for
    none. allowed: bool [items]; a place beyond it is not allowed."""
    usable = np.flatnonzero((places < len(allowed)) & ~np.isnan(scores))
    usable = usable[allowed[places[usable]]]
    order = usable[np.argsort(-scores[usable], kind="stable")[:most]]
    return Found(places[order], scores[order], lambda asked: _of(places, scores, asked))


def _of(places: np.ndarray, scores: np.ndarray, asked: np.ndarray) -> np.ndarray:
    at = np.minimum(np.searchsorted(places, asked), max(0, len(places) - 1))
    if not len(places):
        return np.full(len(asked), np.nan, np.float32)
    return np.where(places[at] == asked, scores[at], np.float32(np.nan)).astype(np.float32)
