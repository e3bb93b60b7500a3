"""How acts of a user follow each other in time, in the data's own measure: seconds, days and mere orders alike."""

from collections.abc import Callable

import numpy as np
from scipy.sparse import csr_array

from models.interactions import Interactions
from models.retrieval.source import StepsAside
from streamrank.clock import SECOND

TELLING = 0.2  # the share of neighbouring acts that must differ in time


def by_user(acts: Interactions) -> Interactions:
    """User by user, each in the order of time."""
    return acts.only(np.lexsort((acts.times, acts.users)))


def usual_gap(ordered: Interactions, name: str) -> float:
    """The median time between neighbouring acts of a user, of those that differ; acts as `by_user` gives them.

    A log tells acts of one second apart by microseconds, which say only in which order they were written down.

    StepsAside, for the source `name`, where so many have one time that no order can be known.
    """
    gaps = np.diff(ordered.times)[np.diff(ordered.users) == 0]
    apart = gaps >= SECOND if (gaps >= SECOND).any() else gaps > 0
    telling = float(np.mean(apart)) if len(gaps) else 0.0
    if telling < TELLING:
        raise StepsAside(f"{name}: times tell the order of {telling:.0%} of users' neighbouring acts only")
    return float(np.median(gaps[apart]))


def pairs(ordered: Interactions, steps: int, nearness: Callable[[int, np.ndarray], np.ndarray]) -> csr_array:
    """float32 [items, items], from an item to those acted on after it by the same user: the sum of the nearness of all
    pairs at most `steps` acts apart. ordered: as `by_user` gives them. nearness: of (step, time between, [pairs]).
    """
    users, items, times = ordered.users, ordered.items, ordered.times
    total = csr_array((ordered.shape[1], ordered.shape[1]), dtype=np.float32)
    for step in range(1, min(steps, len(users) - 1) + 1):
        same = (users[step:] == users[:-step]) & (items[step:] != items[:-step])
        near = nearness(step, (times[step:] - times[:-step])[same]).astype(np.float32)
        total += csr_array((near, (items[:-step][same], items[step:][same])), shape=total.shape)
    return total
