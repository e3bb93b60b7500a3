"""What users did up to an instant, as a network takes it: the latest acts by how late they are, all of them, and how
long ago the last one was."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from models.retrieval.cells import ranges

LATEST, FADING = 15, 0.87  # acts, and what is left of each by the act after it
LONGEST = 300  # acts of a history that are looked at
SPANS, WIDER = 10, 5.0  # of time since the last act: each is so many times as wide as the one before


@dataclass(frozen=True)
class SoFar:
    """latest, whole: float32 sparse [n, items], over the root of what they count together. span: int64 [n], the place
    among SPANS of the time since the last act."""

    latest: csr_array
    whole: csr_array
    span: np.ndarray

    def __len__(self) -> int:
        return len(self.span)


def so_far(
    items: np.ndarray, seconds: np.ndarray, firsts: np.ndarray, ends: np.ndarray, now: np.ndarray, many: int
) -> SoFar:
    """What lies in histories [firsts, ends), int64 [n], of at least one act each. items, seconds: int64 [acts], by time
    within each history. now: int64 [n], seconds, the instants. many: how many items there are."""
    latest = _counted(items, np.maximum(ends - LATEST, firsts), ends, FADING, many)
    whole = _counted(items, np.maximum(ends - LONGEST, firsts), ends, 1.0, many)
    apart = np.maximum(now - seconds[ends - 1], 0)
    return SoFar(latest, whole, np.minimum(np.log1p(apart) / np.log(WIDER), SPANS - 1).astype(np.int64))


def _counted(items: np.ndarray, begins: np.ndarray, ends: np.ndarray, fading: float, many: int) -> csr_array:
    at, lengths = ranges(begins, ends)
    place = np.repeat(np.arange(len(begins)), lengths)
    weights = fading ** (ends[place] - 1 - at).astype(np.float64)
    weights = (weights / np.sqrt(np.bincount(place, weights, minlength=len(begins))[place])).astype(np.float32)
    return csr_array((weights, items[at], np.append(0, np.cumsum(lengths))), shape=(len(begins), many))
