"""What can be watched at an instant: by the times of items, or because someone is watching."""

from dataclasses import dataclass, field

import numpy as np

from models.interactions import Interactions
from models.items import OPEN_BEGIN, OPEN_END, Items
from streamrank.clock import HOUR

NEVER = np.zeros(0, np.int64)


@dataclass(frozen=True)
class Spells:
    """When items were started and ended, as events told: places, begins and ends int64 [spells], us UTC."""

    places: np.ndarray = field(default_factory=lambda: NEVER)
    begins: np.ndarray = field(default_factory=lambda: NEVER)
    ends: np.ndarray = field(default_factory=lambda: NEVER)

    def now(self, instant: int) -> np.ndarray:
        """Which of the spells hold at `instant`, bool [spells]."""
        return (self.begins <= instant) & (instant < self.ends)


@dataclass(frozen=True)
class OnAir:
    """hours: an item is on air while anyone has acted on it within so many; None: by its times, else always.

    afterwards: told of the past, of which it is known too who came within so many hours later. Who learns from an
    instant would else be asked for nothing that had just begun, or for that alone of all that had.
    """

    hours: float | None = None
    afterwards: float = 0.0

    def at(self, instant: int, items: Items, acts: Interactions, spells: Spells = Spells()) -> np.ndarray:
        """bool [items]. An item with spells is on air in these only; one with neither times nor spells always."""
        if self.hours is not None:
            return self._acted_on(instant, len(items), acts)
        found = (instants(items, "available_from", OPEN_BEGIN) <= instant) & (
            instant < instants(items, "available_until", OPEN_END)
        )
        found[spells.places] = False
        found[spells.places[spells.now(instant)]] = True
        return found

    def _acted_on(self, instant: int, items: int, acts: Interactions) -> np.ndarray:
        span = int(self.hours * HOUR)
        first, last = np.searchsorted(acts.times, [instant - span, instant + int(span * self.afterwards)], "left")
        found = np.zeros(items, bool)
        found[acts.items[first:last]] = True
        return found


def instants(items: Items, column: str, otherwise: int) -> np.ndarray:
    """A column of times as int64 [items], us UTC; `otherwise` where nobody knows."""
    return items.table[column].combine_chunks().cast("int64").fill_null(otherwise).to_numpy(zero_copy_only=False)
