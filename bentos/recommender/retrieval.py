"""A request's candidates: what the sources propose side by side, and what they say of each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np

from bentos.recommender.catalogue import UNKNOWN, Catalogue
from bentos.recommender.metrics import Metrics
from models.retrieval.merging import Candidates as Merged
from models.retrieval.merging import features_of, merged
from models.retrieval.side_by_side import Lanes, ask
from models.retrieval.source import Found
from models.viewer import Moment, Viewer

MOST = 200
MOST_NEW = 20  # newcomers that no source proposed


@dataclass(frozen=True)
class Candidates:
    """places: int64 [n], UNKNOWN of items that the catalogue does not have. told: makes their features. sources: those
    that were asked."""

    places: np.ndarray
    told: Callable[[], np.ndarray]
    sources: tuple[str, ...]

    @cached_property
    def features(self) -> np.ndarray:
        """float32 [n, F], as `SOURCE_FEATURES` names them."""
        return self.told()

    @property
    def ranks(self) -> np.ndarray:
        """float32 [n, sources]: from 1, NaN where a source did not propose the item."""
        return self.features[:, 1 : 2 * len(self.sources) : 2]


class Retrieval:
    """Asks all sources at once; one that fails or is late is left out, and counted."""

    def __init__(self, names: Sequence[str], budget_seconds: float, measured: Metrics) -> None:
        """names: of the sources whose features the ranker takes, those that stepped aside among them."""
        self._names, self._budget, self._measured = tuple(names), budget_seconds, measured
        self._lanes = Lanes()

    def found(self, catalogue: Catalogue, viewer: Viewer, moment: Moment, allowed: np.ndarray) -> dict[str, Found]:
        """What each source proposes of the items that are `allowed`, bool [items]."""
        sources = catalogue.sources.sources
        answer = ask(sources, viewer, moment, allowed, MOST, self._budget, self._lanes)
        self._measured.asked(answer.seconds, answer.left_out)
        return answer.found

    def chosen(
        self, catalogue: Catalogue, found: dict[str, Found], allowed: np.ndarray, worth: np.ndarray, more: np.ndarray
    ) -> Candidates:
        """The best of every source in turn; where they are few, what is worth most; and behind them what began too
        lately for any source to know of it, and `more`.

        allowed, worth: [items]. more: places, int64 [m], that are candidates whatever the sources say.
        """
        best = merged(found, self._names, MOST)
        free = allowed.copy()
        free[best.places] = False
        new = catalogue.newcomers(free, MOST_NEW)
        free[new] = False
        added = np.concatenate([_first(free, worth, MOST - len(best.places)), new, more])
        told = partial(_together, best, partial(features_of, found, self._names, added), len(added))
        return Candidates(np.concatenate([best.places, added]), told, self._names)

    def given(self, found: dict[str, Found], places: np.ndarray) -> Candidates:
        """These places, int64 [n], as they are."""
        return Candidates(places, partial(self._of_given, found, places), self._names)

    def _of_given(self, found: dict[str, Found], places: np.ndarray) -> np.ndarray:
        features = np.full((len(places), 2 * len(self._names) + 1), np.nan, np.float32)
        features[:, -1] = 0
        known = places != UNKNOWN
        features[known] = features_of(found, self._names, places[known])
        return features

    def close(self) -> None:
        self._lanes.close()


def _together(best: Merged, of_added: Callable[[], np.ndarray], added: int) -> np.ndarray:
    return np.concatenate([best.features, of_added()]) if added else best.features


def _first(free: np.ndarray, worth: np.ndarray, most: int) -> np.ndarray:
    """The places of the `most` worthiest of those that are free."""
    places = np.flatnonzero(free) if most > 0 else np.zeros(0, np.int64)
    return places[np.argsort(-worth[places], kind="stable")][: max(most, 0)]
