"""Random 75/25 within each user, as Microsoft's recommenders do it: five splits, each act relevant, seen ones removed.

Their `python_stratified_split` (per user, ratio 0.75) and `map` are public; the figures can be set beside their
benchmark. The training part lies after some of the test part, so nothing that is told as of an instant can be asked.
"""

import numpy as np

from models.interactions import Interactions
from pipelines.protocols.asked import Asked, Plan, Task
from pipelines.protocols.world import World

SEEDS = (42, 43, 44, 45, 46)
SHARE = 0.75


def plan(world: World, seeds: tuple[int, ...] = SEEDS, most: int | None = None) -> Plan:
    """A task a seed: every user with an act in the test part is asked for all of them at once, after all is known.

    most: how many users are asked, sampled once with a fixed seed; all where None.
    """
    acts = world.acts.only(world.asked_for)
    asked = _people(acts, most)
    tasks = tuple(_task(acts, seed, asked) for seed in seeds)
    sampled = {} if most is None or most >= acts.shape[0] else {"users": f"{most:,} of {acts.shape[0]:,}, drawn once"}
    return Plan(tasks, sampled, ("the training part lies after test acts: no feature is asked as of an instant",))


def in_training(users: np.ndarray, seed: int) -> np.ndarray:
    """Which rows are in the training part, bool [rows]: of each user's, in an order drawn anew, the first 75 %."""
    order = np.lexsort((np.random.default_rng(seed).permutation(len(users)), users))
    _, starts, sizes = np.unique(users[order], return_index=True, return_counts=True)
    rank = np.arange(len(users)) - np.repeat(starts, sizes)
    chosen = np.empty(len(users), bool)
    chosen[order] = rank < np.repeat(np.round(sizes * SHARE), sizes)
    return chosen


def _task(acts: Interactions, seed: int, people: np.ndarray) -> Task:
    training = in_training(acts.users, seed)
    fit, tested = acts.only(training), acts.only(~training & people[acts.users])
    order = np.lexsort((tested.items, tested.users))
    users, starts = np.unique(tested.users[order], return_index=True)
    instants = np.full(len(users), int(acts.times[-1]) + 1)
    wanted = tested.items[order].astype(np.int64)
    asked = Asked(users.astype(np.int32), instants, np.append(starts, len(wanted)), wanted)
    return Task(f"seed {seed}", fit, fit, asked, timed=False)


def _people(acts: Interactions, most: int | None) -> np.ndarray:
    """Which users are asked, bool [users]."""
    chosen = np.random.default_rng(SEEDS[0]).permutation(acts.shape[0])[:most]
    return np.isin(np.arange(acts.shape[0]), chosen)
