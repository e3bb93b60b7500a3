"""Each user's last visit, asked just before it with all that anybody had done by then, against every item.

Users leave at different times, so one fit on all but the last acts would know the future of most of them. The
questions are parted into as many blocks as there are fits, and each is asked of what was fitted before its block. The
first blocks are short: before them there is little to learn from.
"""

from collections.abc import Sequence

import numpy as np

from pipelines.protocols.asked import Plan
from pipelines.protocols.blocks import sampled, tasks
from pipelines.protocols.world import World

SEED = 7
BLOCKS, FEWER_BLOCKS = (0.0, 0.1, 0.3, 0.6), (0.0, 0.3)  # of the questions, the share before each
MOST_ACTS_REFITTED = 500_000  # beyond, there are fewer
MOST = 5_000


def plan(world: World, blocks: Sequence[float] | None = None, most: int = MOST) -> Plan:
    """Every user with an earlier act is asked for the last one; of more than `most` a sample with a fixed seed."""
    last = last_visits(world)
    chosen = sampled(last, most, SEED)
    blocks = blocks or (BLOCKS if len(world.acts) <= MOST_ACTS_REFITTED else FEWER_BLOCKS)
    instants = np.sort(world.acts.instants[chosen])
    cuts = np.unique(instants[(np.array(blocks) * len(chosen)).astype(int)]) if len(chosen) else instants
    left_out = {"questions": f"{len(chosen):,} of {len(last):,}, drawn once"} if len(chosen) < len(last) else {}
    notes = (f"{len(cuts)} fits, each on all acts before its block of questions; histories go on to the question",)
    return Plan(tasks(world.acts, chosen, cuts), left_out, notes)


def last_visits(world: World) -> np.ndarray:
    """Places of each user's last act that may be asked for, if an act of theirs lies before its instant; ascending."""
    acts, places = world.acts, np.flatnonzero(world.asked_for)
    _, latest = np.unique(acts.users[places][::-1], return_index=True)
    chosen = np.sort(places[len(places) - 1 - latest])
    first = np.full(acts.shape[0], np.iinfo(np.int64).max)
    np.minimum.at(first, acts.users, acts.times)
    return chosen[first[acts.users[chosen]] < acts.instants[chosen]]
