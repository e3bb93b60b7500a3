"""Pauses of Python itself, which would be some request's: made shorter once all is loaded."""

import gc
import sys

SWITCH_SECONDS = 0.0002
"""How long a thread that computes may keep others waiting; Python's own 5 ms are a fifth of a request, and a request
waits for its turn each time that it lets others have theirs."""


def shorten() -> None:
    """What is loaded by now stays for good, so that collecting garbage never looks through it again."""
    gc.collect()
    gc.freeze()
    sys.setswitchinterval(SWITCH_SECONDS)
