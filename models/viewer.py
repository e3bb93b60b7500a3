"""Who asks, and the moment at which they ask: all that a source may look at."""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

NOBODY = np.zeros(0, np.int64)
PICKED = 2.0  # a title somebody names as liked weighs as much as a like


@dataclass(frozen=True)
class Viewer:
    """One user as known at the instant of a request; nothing in it is later than that.

    items: int64 [acts], places of the items they acted on, the latest last, repeats included; acts on items without a
    place are left out. times: int64 [acts], us UTC. weights, watched, ratings: float32 [acts], as in `Interactions`.
    vector: float32 [factors], what collaborative filtering learned of them, None where it did not; version: of the fit
    that it belongs to. topics: what they stated. followed: creators. hidden: places of items they do not want to see.
    traits: their profile, what a users file says of them, such as "gender:F".
    picked: places of items that a new user named as liked. user_id: "" for nobody. proposed: int64 [n], places that a
    nightly run found for them, best first; proposed_scores: float32 [n]; proposed_at: us UTC, None without such a run.
    """

    user_id: str = ""
    items: np.ndarray = field(default_factory=lambda: NOBODY)
    times: np.ndarray = field(default_factory=lambda: NOBODY)
    weights: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))
    watched: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))
    ratings: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))
    vector: np.ndarray | None = None
    version: str | None = None
    topics: tuple[str, ...] = ()
    followed: tuple[str, ...] = ()
    hidden: np.ndarray = field(default_factory=lambda: NOBODY)
    picked: np.ndarray = field(default_factory=lambda: NOBODY)
    surface: str | None = None
    proposed: np.ndarray = field(default_factory=lambda: NOBODY)
    proposed_scores: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))
    proposed_at: int | None = None
    traits: tuple[str, ...] = ()

    @property
    def liked(self) -> np.ndarray:
        """Places of what they acted on or picked, each once, int64."""
        return np.unique(np.concatenate([self.items, self.picked]))

    @cached_property
    def weighed(self) -> tuple[np.ndarray, np.ndarray]:
        """(`liked`, float32 [n] the greatest weight of each): most sources ask for it, so it is made once."""
        places = np.concatenate([self.items, self.picked])
        weights = np.concatenate([self.weights, np.full(len(self.picked), PICKED)]).astype(np.float32)
        order = np.lexsort((-weights, places))
        places, weights = places[order], weights[order]
        first = np.ones(len(places), bool)
        first[1:] = places[1:] != places[:-1]
        return places[first], weights[first]


@dataclass(frozen=True)
class Moment:
    """What holds for everybody at the instant of a request. Arrays are [items]; none may be changed.

    now_us: the instant. on_air: bool, what can be watched. begins: int64, us UTC, when each became available, the
    type's least where nobody knows. recent: float32, acts on each item with their age decayed (see
    `models/retrieval/trending.py`). watching: float32, viewers now, NaN where nobody counts them.
    """

    now_us: int
    on_air: np.ndarray
    begins: np.ndarray
    recent: np.ndarray
    watching: np.ndarray
