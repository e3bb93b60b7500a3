"""The last tenth of all acts by time: each is asked just before it happens, with a history that grows as acts pass.

Sources and ranker are fitted once, before the tenth begins; viewers' histories, popularity and what is on air are as
of each question. New users and new items come up as they do in life.
"""

import numpy as np

from pipelines.protocols.asked import Plan
from pipelines.protocols.blocks import sampled, tasks
from pipelines.protocols.world import World

SEED = 7
SHARE = 0.1
MOST = 5_000


def plan(world: World, most: int = MOST) -> Plan:
    """The visits of the last tenth; of more than `most` a sample with a fixed seed."""
    acts = world.acts
    cut = acts.times[min(len(acts) - 1, int(np.ceil(len(acts) * (1 - SHARE))))]
    late = np.flatnonzero(world.asked_for & (acts.instants >= cut))
    chosen = sampled(late, most, SEED)
    left_out = {"questions": f"{len(chosen):,} of {len(late):,}, drawn once"} if len(chosen) < len(late) else {}
    return Plan(tasks(acts, chosen, np.array([cut])), left_out, ("fitted once, before the last tenth begins",))
