"""What a viewer comes back to: live channels, and all else that is watched again and again.

The signs of a habit are weighed as fits best which of the items that a user knew they came back to.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models.interactions import Interactions
from models.items import Items
from models.retrieval.choice import choice_weights
from models.retrieval.habit import Habits, habits_of, visits
from models.retrieval.some import among
from models.retrieval.source import NOTHING, Found, StepsAside
from models.viewer import Moment, Viewer

LEAST_RETURNS = 0.02  # of all visits
ASKED = 3_000  # returns on which the signs are weighed
LATEST = 1_000  # acts of a user that are looked at, as online
EARLIER = 0.6  # of the acts, from which habits are known when the later returns are asked


@dataclass(frozen=True)
class Again:
    """weights: float64 [signs], of `habit.SIGNS`."""

    habits: Habits
    weights: np.ndarray
    name: str = "again"

    @classmethod
    def fit(cls, acts: Interactions, items: Items) -> "Again":
        """StepsAside where fewer than LEAST_RETURNS of the visits are returns."""
        if why := not_returned_to(acts):
            raise StepsAside(f"again: {why}")
        acts = acts.only(np.argsort(acts.users, kind="stable"))
        return cls(habits_of(acts), _weights(acts, _returns(acts)))

    def find(self, viewer: Viewer, moment: Moment, allowed: np.ndarray, most: int) -> Found:
        if not len(viewer.items):
            return NOTHING
        latest = slice(-LATEST, None)
        acts = viewer.items[latest], viewer.times[latest], viewer.weights[latest]
        places, signs = self.habits.signs(*acts, moment.now_us)
        return among(places, (signs @ self.weights).astype(np.float32), allowed, most)

    def extended(self, items: Items) -> "Again":
        """Itself: a new item is returned to as often as is usual."""
        return self

    def save(self, folder: Path) -> None:
        habits = self.habits
        known = {"unit": habits.unit, "returned": habits.returned, "usual": habits.usual}
        np.savez(folder / "again.npz", weights=self.weights, **known)

    @classmethod
    def load(cls, folder: Path, items: Items) -> "Again":
        with np.load(folder / "again.npz", allow_pickle=False) as stored:
            habits = Habits(float(stored["unit"]), stored["returned"], float(stored["usual"]))
            return cls(habits, stored["weights"])


def not_returned_to(acts: Interactions) -> str:
    """Why what viewers visited before tells nothing here; "" where enough visits are returns."""
    acts = acts.only(np.argsort(acts.users, kind="stable"))
    share = len(_returns(acts)) / max(1, np.count_nonzero(visits(acts.items, acts.times, acts.users)))
    enough = share >= LEAST_RETURNS
    return "" if enough else f"{share:.1%} of visits return to an item, needs at least {LEAST_RETURNS:.0%}"


def _returns(acts: Interactions) -> np.ndarray:
    """The acts that begin a visit to an item that their user visited before. acts: users one after another."""
    starts = np.flatnonzero(visits(acts.items, acts.times, acts.users))
    pairs = acts.users[starts].astype(np.int64) * acts.shape[1] + acts.items[starts]
    first = np.unique(pairs, return_index=True)[1]
    return np.delete(starts, first)


def _weights(acts: Interactions, returns: np.ndarray) -> np.ndarray:
    """Weighs the signs on returns after EARLIER of the time, by what was known of items until then."""
    cut = np.quantile(acts.times[returns], EARLIER, method="lower")
    asked = returns[acts.times[returns] >= cut]
    asked = asked[np.linspace(0, len(asked) - 1, min(ASKED, len(asked))).astype(np.int64)]
    known = acts.only(acts.times < cut)
    habits = habits_of(known if len(known) else acts)
    begins = np.searchsorted(acts.users, acts.users[asked])
    sets = [_options(habits, acts, int(begin), int(row)) for begin, row in zip(begins, asked, strict=True)]
    sets = [(signs, chosen) for signs, chosen in sets if chosen >= 0]
    starts = np.cumsum([0, *(len(signs) for signs, _ in sets)])[:-1]
    chosen = starts + np.array([chosen for _, chosen in sets], np.int64)
    return choice_weights(np.concatenate([signs for signs, _ in sets]), starts, chosen)


def _options(habits: Habits, acts: Interactions, begin: int, row: int) -> tuple[np.ndarray, int]:
    """The signs of all that the user knew before the act in `row`, and which of it they chose; -1 for none."""
    now = int(acts.times[row])
    end = begin + int(np.searchsorted(acts.times[begin:row], now, "left"))
    known = slice(max(begin, end - LATEST), end)
    places, signs = habits.signs(acts.items[known], acts.times[known], acts.weights[known], now)
    at = int(np.searchsorted(places, acts.items[row]))
    return signs, at if at < len(places) and places[at] == acts.items[row] else -1
