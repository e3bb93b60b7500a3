"""What a recommender is asked while it learns, and what would have been right."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from models.interactions import Interactions
from models.items import OPEN_BEGIN, Items
from models.on_air import OnAir, instants
from models.retrieval.trending import Recent, half_life_of
from models.viewer import Moment, Viewer


@dataclass(frozen=True)
class Question:
    """viewer, moment, allowed: as sources take them, so that "repeats count" or "seen leaves" is told by `allowed`
    alone. wanted: places of the right answers, int64, each once. qid: of the question, rising from fold to fold.
    """

    viewer: Viewer
    moment: Moment
    allowed: np.ndarray
    wanted: np.ndarray
    qid: int

    def slim(self) -> "Question":
        """Who asks, when, and what they want, without what is as long as the catalogue: thousands are held at once."""
        none = np.zeros(0)
        moment = Moment(self.moment.now_us, none, none, none, none)
        return replace(self, viewer=replace(self.viewer, vector=None), moment=moment, allowed=none)


class At(Protocol):
    """Moments as of any instants; only what was known by then is in one."""

    def at(self, instant: int) -> Moment: ...


Moments = Callable[[Interactions], At]
"""The moments of what is known of the past, given as the acts that may be looked at."""

Extra = Callable[[Sequence[Question], Sequence[np.ndarray]], dict[str, np.ndarray]]
"""Further columns: of questions, which are `slim`, and of the places asked of each, int64, to name -> float32 of all
places in a row."""


class Past:
    """Moments where nothing is known but acts and the times of items."""

    def __init__(self, acts: Interactions, items: Items, rule: OnAir = OnAir()) -> None:
        self._acts, self._items, self._rule = acts, items, rule
        self._recent = Recent(acts, half_life_of(acts) if len(acts) else 1.0)

    def at(self, instant: int) -> Moment:
        unknown = np.full(len(self._items), np.nan, np.float32)
        on_air = self._rule.at(instant, self._items, self._acts)
        begins = instants(self._items, "available_from", OPEN_BEGIN)
        return Moment(instant, on_air, begins, self._recent.at(instant), unknown)
