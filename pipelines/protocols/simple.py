"""What a recommender must beat: lists that follow from counts of what had been done by the instant of the question."""

from collections.abc import Callable

import numpy as np

from models.habits import LAST, MOST_OFTEN
from models.items import Items
from models.retrieval.source import best
from models.viewer import Moment, Viewer

MOST_WATCHED = 3
INTERESTS = "topics of interest"
Scores = np.ndarray  # float32 [items], NaN where there is nothing to say


class Simple:
    """items: the catalogue. repeats: whether seen items may be shown, so that habits make a baseline too."""

    def __init__(self, items: Items, repeats: bool) -> None:
        self._repeats = repeats
        self._starts, self._topics, self.names = topics_of(items)
        self._owner = np.repeat(np.arange(len(items)), np.diff(self._starts))
        self._places = {name: code for code, name in enumerate(self.names)}

    @property
    def aside(self) -> dict[str, str]:
        """By name, why a baseline says nothing here."""
        lacking = {} if self.names else {INTERESTS: "no item has topics"}
        return lacking if self._repeats else lacking | dict.fromkeys((MOST_OFTEN, LAST), "seen items leave")

    def lists(
        self, viewer: Viewer, moment: Moment, counts: np.ndarray, allowed: np.ndarray, depth: int
    ) -> dict[str, np.ndarray]:
        """Name -> places, best first, at most `depth`. counts: acts on each item so far."""
        scores: dict[str, Callable[[], Scores]] = {
            "popularity": lambda: counts,
            "recent popularity": lambda: moment.recent,
        }
        if self.names:
            scores[INTERESTS] = lambda: self._interests(viewer, counts)
        if self._repeats:
            scores |= {
                MOST_OFTEN: lambda: _times(viewer, moment),
                LAST: lambda: _last(viewer, moment),
            }
        return {name: best(score().astype(np.float32), allowed, depth).places for name, score in scores.items()}

    def _interests(self, viewer: Viewer, counts: np.ndarray) -> Scores:
        """Items of the stated topics first, where none are stated of the three watched most, by popularity (Amp)."""
        wanted = np.zeros(len(self.names), bool)
        if stated := [self._places[name] for name in viewer.topics if name in self._places]:
            wanted[stated] = True
        elif len(viewer.items):
            seen = np.bincount(viewer.items, minlength=len(counts))
            often = np.bincount(self._topics, seen[self._owner], minlength=len(self.names))
            top = np.lexsort((np.arange(len(often)), -often))[:MOST_WATCHED]
            wanted[top[often[top] > 0]] = True
        fitting = np.zeros(len(counts), bool)
        fitting[self._owner[wanted[self._topics]]] = True
        return fitting * (1 + counts.max(initial=0)) + counts


def topics_of(items: Items) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """(starts int64 [items + 1], codes int64, names): item i has the topics codes[starts[i]:starts[i + 1]]."""
    column = items.table["topics"].combine_chunks()
    lengths = column.value_lengths().fill_null(0).to_numpy(zero_copy_only=False)
    encoded = column.flatten().dictionary_encode()
    codes = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    return np.append(0, np.cumsum(lengths)).astype(np.int64), codes, encoded.dictionary.to_pylist()


def _times(viewer: Viewer, moment: Moment) -> Scores:
    """What the viewer watched most often, of as often the last; then what is popular lately."""
    items = len(moment.on_air)
    often = np.bincount(viewer.items, minlength=items).astype(np.float64)
    return _first_own(often + _recency(viewer, items), moment)


def _last(viewer: Viewer, moment: Moment) -> Scores:
    """What the viewer watched last, before that the one before; then what is popular lately."""
    return _first_own(_recency(viewer, len(moment.on_air)), moment)


def _first_own(own: Scores, moment: Moment) -> Scores:
    popular = moment.recent / (1 + moment.recent.max(initial=0))
    return np.where(own > 0, 1 + own, popular)


def _recency(viewer: Viewer, items: int) -> Scores:
    """Below 1, and higher the later an item was watched last; 0 for others."""
    scores = np.zeros(items)
    scores[viewer.items] = (np.arange(len(viewer.items)) + 1) / (len(viewer.items) + 1)
    return scores
