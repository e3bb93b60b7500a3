"""How much of a habit each item is that a viewer came to before: how often, how lately, at which hour.

Often and lately are joined as in human memory (ACT-R's base-level activation, Anderson & Schooler 1991; shown to
tell what people return to by Reiter-Haas et al. 2021): the logarithm of a sum over visits of age ** -decay.
"""

from dataclasses import dataclass

import numpy as np

from models.interactions import Interactions
from streamrank.clock import DAY, HOUR

SIGNS = ("lasting", "passing", "often", "lately", "returned_to", "at_this_hour", "weight")
SLOW, FAST = 0.5, 1.5  # decays: of memory, and of what is a craze
BREAK = HOUR // 2  # acts on the same item in a row are one visit until this much time is between them
NEAR = 1.5 * HOUR
FROM_1973 = 10**14  # us UTC; smaller times are an order and have no hours
DRAWN = 10.0  # visits at the usual rate, from which an item's share of returns starts


@dataclass(frozen=True)
class Habits:
    """unit: the usual time between two visits, in the unit of times. returned: float32 [items], the share of visits to
    an item that are returns to it, drawn to the usual one; usual: that of a new item."""

    unit: float
    returned: np.ndarray
    usual: float

    def signs(
        self, items: np.ndarray, times: np.ndarray, weights: np.ndarray, now: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """(places int64 [n], ascending, each once, signs float64 [n, SIGNS]) of a viewer's acts, ordered by time."""
        starts = visits(items, times)
        items, times, weights = items[starts], times[starts], weights[starts]
        places, own = np.unique(items, return_inverse=True)
        counts = np.bincount(own)
        ages = 1 + np.maximum(now - times, 0) / self.unit
        signs = np.empty((len(places), len(SIGNS)))
        signs[:, 0] = np.log(np.bincount(own, ages**-SLOW))
        signs[:, 1] = np.log(np.bincount(own, ages**-FAST))
        signs[:, 2] = np.log(counts)
        signs[:, 3] = -np.log(_distance(own, len(places)))
        signs[:, 4] = self._returned(places)
        signs[:, 5] = np.log(0.1 + np.bincount(own, _same_hour(times, now)) / counts)
        signs[:, 6] = np.log(0.1 + np.bincount(own, weights) / counts)
        return places, signs

    def _returned(self, places: np.ndarray) -> np.ndarray:
        shares = np.full(len(places), self.usual)
        known = places < len(self.returned)
        shares[known] = self.returned[places[known]]
        return np.log(shares / (1 - shares))


def habits_of(acts: Interactions) -> Habits:
    """acts: any number but none; of one user one after another, ordered by time."""
    kept = visits(acts.items, acts.times, acts.users)
    users, items, times = acts.users[kept], acts.items[kept], acts.times[kept]
    count = np.bincount(items, minlength=acts.shape[1])
    pairs = np.unique(users.astype(np.int64) * acts.shape[1] + items) % acts.shape[1]
    again = count - np.bincount(pairs, minlength=acts.shape[1])
    usual = (again.sum() + 1) / (count.sum() + 2)
    gaps = np.diff(times)[users[1:] == users[:-1]]
    unit = float(np.median(gaps[gaps > 0])) if (gaps > 0).any() else 1.0
    return Habits(unit, ((again + DRAWN * usual) / (count + DRAWN)).astype(np.float32), float(usual))


def visits(items: np.ndarray, times: np.ndarray, users: np.ndarray | None = None) -> np.ndarray:
    """bool [acts]: which acts begin a visit. Further acts on the same item right after belong to the same one."""
    lasting = np.diff(times) <= (BREAK if len(times) and times[0] >= FROM_1973 else 0)
    lasting &= items[1:] == items[:-1]
    if users is not None:
        lasting &= users[1:] == users[:-1]
    return np.concatenate([np.ones(min(1, len(items)), bool), ~lasting])


def _distance(own: np.ndarray, places: int) -> np.ndarray:
    """1 for the item visited last, 2 for the one before it, and so on, [places]."""
    last = np.zeros(places, np.int64)
    last[own] = np.arange(len(own))  # of equal places the last assignment stands
    distance = np.empty(places)
    distance[np.argsort(-last)] = np.arange(1, places + 1)
    return distance


def _same_hour(times: np.ndarray, now: int) -> np.ndarray:
    """1 for a visit at the same time of day, falling to 0 within hours; 0 for all where times have no hours."""
    if now < FROM_1973:
        return np.zeros(len(times))
    apart = np.abs((times - now + DAY // 2) % DAY - DAY // 2)
    return np.exp(-((apart / NEAR) ** 2))
