"""How acts of a user follow each other in time, in the data's own measure: seconds, days and mere orders alike."""

from collections.abc import Callable

import numpy as np
from scipy.sparse import csr_array

from models.interactions import Interactions
from models.retrieval.source import StepsAside
from streamrank.clock import SECOND

AT_ONCE = 20_000_000  # pairs that are summed in one go
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
    shape = (ordered.shape[1], ordered.shape[1])
    told = (_pairs(ordered, step, nearness) for step in range(1, min(steps, len(ordered) - 1) + 1))
    total, waiting = csr_array(shape, dtype=np.float32), []
    for part in told:
        waiting.append(part)
        if sum(len(near) for near, _, _ in waiting) > AT_ONCE:
            total, waiting = total + _summed(waiting, shape), []
    return total + _summed(waiting, shape) if waiting else total


def _pairs(
    ordered: Interactions, step: int, nearness: Callable[[int, np.ndarray], np.ndarray]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(nearness, from, to) of the acts of a user that are `step` apart."""
    users, items, times = ordered.users, ordered.items, ordered.times
    same = (users[step:] == users[:-step]) & (items[step:] != items[:-step])
    near = nearness(step, (times[step:] - times[:-step])[same]).astype(np.float32)
    return near, items[:-step][same], items[step:][same]


def _summed(parts: list[tuple[np.ndarray, np.ndarray, np.ndarray]], shape: tuple[int, int]) -> csr_array:
    near, begins, ends = (np.concatenate(column) for column in zip(*parts, strict=True))
    return csr_array((near, (begins, ends)), shape=shape)
