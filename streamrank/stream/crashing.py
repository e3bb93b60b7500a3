"""A worker that kills itself, for the proof that nothing is lost or counted twice; off unless a variable asks for it.

STREAMRANK_CRASH=PROBABILITY: at each step of a batch the process ends by SIGKILL with this probability.
"""

import os
import random
import signal

_PROBABILITY = float(os.environ.get("STREAMRANK_CRASH") or 0)


def may_end_here() -> None:
    """Called between the steps of a batch."""
    if _PROBABILITY and random.random() < _PROBABILITY:
        os.kill(os.getpid(), signal.SIGKILL)
