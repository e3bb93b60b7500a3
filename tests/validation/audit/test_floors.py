"""Which positions requests prove of each other."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streamrank.events.shards import NEVER, SHARDS
from validation.audit.floors import Floors, proven


def seen(*positions: int) -> np.ndarray:
    """What one shard shows in request after request; the others nothing."""
    found = np.full((len(positions), SHARDS), NEVER, np.int64)
    found[:, 0] = positions
    return found


def test_a_batch_is_applied_everywhere_once_a_later_one_shows():
    assert proven(seen(5, 5, 9, 7, 12))[:, 0].tolist() == [NEVER, NEVER, 5, 5, 9]


def test_nothing_is_proven_by_nothing():
    assert proven(seen(NEVER, NEVER)).max() == NEVER
    assert len(proven(seen())) == 0


@given(st.lists(st.integers(0, 20), min_size=1, max_size=30))
def test_what_is_proven_lies_below_the_greatest_and_never_falls(positions: list[int]):
    found = proven(seen(*positions))[:, 0]
    assert (np.diff(found) >= 0).all()
    for place, own in enumerate(found.tolist()):
        before = positions[: place + 1]
        assert own == NEVER or (own in before and own < max(before))


def test_a_request_proves_nothing_of_those_that_may_have_overlapped_it():
    floors = Floors(np.array([100, 200]), proven(seen(5, 9)), settle_us=10, grace_us=1_000)
    applied = np.full((3, SHARDS), NEVER, np.int64)
    applied[:, 0] = 3
    assert floors.at(np.array([200, 209, 210]), applied)[:, 0].tolist() == [3, 3, 5]


def test_a_key_never_touched_must_hold_what_is_old_enough():
    floors = Floors(np.zeros(0, np.int64), np.zeros((0, SHARDS), np.int64), settle_us=10, grace_us=1_000)
    untouched = np.full((1, SHARDS), NEVER, np.int64)
    assert (floors.at(np.array([5_000]), untouched) == 4_000).all()
