"""How old a row may be: within its TTL it is present, up to twice that outside its maximum age, then gone."""

import numpy as np
from feast.protos.feast.serving.ServingService_pb2 import FieldStatus

from streamrank import clock

_SEEN = np.array([FieldStatus.NOT_FOUND, FieldStatus.PRESENT], np.uint8)  # by whether there is a row


def states(ttl_us: int, found: np.ndarray, event_us: np.ndarray, now_us: int) -> np.ndarray:
    """uint8 [n] of Feast's FieldStatus: PRESENT, OUTSIDE_MAX_AGE or NOT_FOUND. ttl_us: 0 for none."""
    seen = _SEEN[found.view(np.uint8)]
    if ttl_us:
        oldest = np.minimum.reduce(event_us, initial=now_us)
        if now_us - oldest > ttl_us:
            age = now_us - event_us
            seen[found & (age > ttl_us)] = FieldStatus.OUTSIDE_MAX_AGE
            seen[age > 2 * ttl_us] = FieldStatus.NOT_FOUND
    return seen


def expired(ttl_us: int, found: np.ndarray, event_us: np.ndarray, now_us: int) -> np.ndarray | None:
    """bool [n]: which rows there are that are older than their TTL; None where none is. ttl_us: 0 for none."""
    if not ttl_us:
        return None
    old = found & (now_us - event_us > ttl_us)
    return old if np.count_nonzero(old) else None


def kept(ttl_us: int, event_us: np.ndarray, now_us: int) -> np.ndarray:
    """bool [n]: which rows are worth writing, since some reader could still find them."""
    return now_us - event_us <= 2 * ttl_us if ttl_us else np.ones(len(event_us), np.bool_)


def expire_ms(ttl_us: int, event_us: np.ndarray, now_us: int) -> np.ndarray | None:
    """int64 [n]: in how many milliseconds the server is to drop each row, None where it is not to.

    Only under the wall clock: under another one the server, which knows its own time only, could drop a row too early.
    """
    if not ttl_us or not clock.is_wall():
        return None
    return np.maximum(-((now_us - event_us - 2 * ttl_us) // 1_000), 1)
