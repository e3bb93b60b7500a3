"""One list of candidates from what several sources found, and what each of them says of every candidate.

The features of a candidate are the same whether it was found (a request) or given (a row of impressions to train on).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from models.retrieval.source import NOTHING, Found

SMOOTHING = 150.0  # ranks that a rank of 0 is told from; what single sources say counts the more the less it is
SURE = 3
CLOSE = 30  # items of the catalogue for each that was found, up to which marking them costs less than sorting


@dataclass(frozen=True)
class Candidates:
    """places: int64 [n], each once, those first that most sources rank high. ranks: float32 [n, sources], from 1, in
    the order of names, NaN where a source did not propose it. found: what the sources found.
    """

    places: np.ndarray
    ranks: np.ndarray
    found: Mapping[str, Found]
    names: Sequence[str]

    @cached_property
    def features(self) -> np.ndarray:
        """float32 [n, F], columns as `SOURCE_FEATURES` names them; every source is asked for it."""
        return _features(self.found, self.names, self.places, self.ranks)

    @property
    def found_by(self) -> np.ndarray:
        """bool [n, sources]: which of the sources proposed it."""
        return ~np.isnan(self.ranks)


def SOURCE_FEATURES(names: Sequence[str]) -> list[str]:
    """The columns that sources of these names give a ranker: score and rank (from 1) of each, NaN where it has none,
    and how many of them proposed the item."""
    return [f"{name}_{kind}" for name in names for kind in ("score", "rank")] + ["sources_found"]


def merged(found: Mapping[str, Found], names: Sequence[str], most: int = 200) -> Candidates:
    """Those that most sources rank high, by reciprocal rank fusion (Cormack et al. 2009): the sum over sources of
    1 / (SMOOTHING + rank). The first SURE of each source are among them, whatever others say. A source of `names` that
    did not answer is as one that found nothing.
    """
    lists = [found.get(name, NOTHING).places for name in names]
    ranks = np.concatenate([np.arange(len(places)) for places in lists] or [np.zeros(0, np.int64)])
    places, item = _distinct(np.concatenate([*lists, np.zeros(0, np.int64)]))
    worth = np.bincount(item, 1 / (SMOOTHING + 1 + ranks), minlength=len(places))
    sure = np.bincount(item, ranks < SURE, minlength=len(places)) > 0
    kept = np.argsort(-worth - sure, kind="stable")[:most]  # all that is worth anything is worth less than 1
    kept = kept[np.argsort(-worth[kept], kind="stable")]
    of_source = np.full((len(places), len(names)), np.nan, np.float32)
    of_source[item, np.repeat(np.arange(len(names)), [len(places) for places in lists])] = ranks + 1
    return Candidates(places[kept], of_source[kept], found, names)


def fused(ranks: np.ndarray) -> np.ndarray:
    """float64 [n]: by what `merged` orders, where the sources' ranks are known. ranks: float [n, sources], from 1, NaN
    where a source has none."""
    return np.nan_to_num(1 / (SMOOTHING + ranks.astype(np.float64))).sum(axis=1)


def _distinct(places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each place once, ascending, and where each of `places` is among them; without sorting where they lie close."""
    beyond = int(places.max(initial=-1)) + 1
    if beyond > CLOSE * len(places):
        return np.unique(places, return_inverse=True)
    there = np.zeros(beyond, bool)
    there[places] = True
    return np.flatnonzero(there), (np.cumsum(there) - 1)[places]


def features_of(found: Mapping[str, Found], names: Sequence[str], places: np.ndarray) -> np.ndarray:
    """float32 [m, F]: what the sources say of any places, int64 [m], in the columns of `SOURCE_FEATURES`."""
    ranks = [ranks_of(found.get(name, NOTHING).places, places) for name in names]
    return _features(found, names, places, np.stack(ranks, axis=1) if names else np.zeros((len(places), 0)))


def _features(found: Mapping[str, Found], names: Sequence[str], places: np.ndarray, ranks: np.ndarray) -> np.ndarray:
    features = np.full((len(places), 2 * len(names) + 1), np.nan, np.float32)
    for column, name in enumerate(names):
        if name in found:
            features[:, 2 * column] = found[name].of(places)
    features[:, 1:-1:2] = ranks
    features[:, -1] = np.count_nonzero(~np.isnan(ranks), axis=1)
    return features


def ranks_of(listed: np.ndarray, places: np.ndarray) -> np.ndarray:
    """float32 [m]: the rank, from 1, of each of `places` in a list that has each once; NaN where it is not in it."""
    if not len(listed):
        return np.full(len(places), np.nan, np.float32)
    order = np.argsort(listed)
    at = np.minimum(np.searchsorted(listed, places, sorter=order), len(listed) - 1)
    return np.where(listed[order[at]] == places, order[at] + 1, np.nan).astype(np.float32)
