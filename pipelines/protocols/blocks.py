"""Fits one after another: each question is asked of the last fit before its instant, and sees all that was before."""

import numpy as np

from models.interactions import Interactions
from pipelines.protocols.asked import Task, single


def tasks(acts: Interactions, chosen: np.ndarray, cuts: np.ndarray) -> tuple[Task, ...]:
    """A task for each of `cuts`, ascending instants: fitted to the acts before it, asked until the next.

    chosen: places of the acts that are asked for; none that is asked before the first cut.
    """
    if not len(chosen):
        return ()
    chosen = chosen[np.argsort(acts.instants[chosen], kind="stable")]
    begins = np.searchsorted(acts.instants[chosen], cuts, "left")
    parts = [(cut, part) for cut, part in zip(cuts.tolist(), np.split(chosen, begins[1:]), strict=True) if len(part)]
    return tuple(Task(f"fit before {cut}", acts.before(cut), acts, single(acts, part)) for cut, part in parts)


def sampled(places: np.ndarray, most: int, seed: int) -> np.ndarray:
    """At most `most` of `places`, drawn once, in their order."""
    if len(places) <= most:
        return places
    return np.sort(np.random.default_rng(seed).choice(places, most, replace=False))
