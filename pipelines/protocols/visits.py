"""Which acts begin a visit to an item, and which visits return to one: what may be asked for, and what counts."""

from dataclasses import dataclass

import numpy as np

from models.interactions import Interactions
from pipelines.worlds import REPEATS_COUNT_FROM


@dataclass(frozen=True)
class Visits:
    """begins: bool [acts], whether the act begins a visit. again: bool [acts], whether the user was there before.

    A click, the view and the like that follow it are one visit: an act belongs to the visit of the user's last act on
    the item where that is less than a gap before. Of several acts on an item at one instant the first begins it.
    """

    begins: np.ndarray
    again: np.ndarray

    @property
    def share_again(self) -> float:
        """Of the visits, those to an item that the user had visited before."""
        return float(self.again[self.begins].mean()) if self.begins.any() else 0.0


def visits(acts: Interactions, gap: int) -> Visits:
    """gap: in the unit of the acts' times, at least 1."""
    order = np.lexsort((np.arange(len(acts)), acts.items, acts.users))
    users, items, times = acts.users[order], acts.items[order], acts.times[order]
    same = np.zeros(len(order), bool)
    same[1:] = (users[1:] == users[:-1]) & (items[1:] == items[:-1])
    near = same.copy()
    near[1:] &= times[1:] - times[:-1] < max(gap, 1)
    begins, again = np.empty(len(order), bool), np.empty(len(order), bool)
    begins[order], again[order] = ~near, same & ~near
    return Visits(begins, again)


def repeats_count(found: Visits, said: bool | None) -> bool:
    """Whether a seen item may be wanted again: as said, and where nothing is, by the share of visits that return."""
    return found.share_again >= REPEATS_COUNT_FROM if said is None else said
