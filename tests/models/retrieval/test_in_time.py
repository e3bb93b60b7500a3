import numpy as np
import pytest
import tastes

from models.retrieval.in_time import by_user, pairs, usual_gap
from models.retrieval.near import Near
from models.retrieval.sittings import Sittings
from models.retrieval.source import StepsAside
from models.retrieval.transitions import Transitions
from streamrank.clock import SECOND


def test_times_that_are_all_one_make_what_needs_them_step_aside():
    acts = tastes.acts()
    flat = tastes.of(acts.users, acts.items, np.full(len(acts), 9), tastes.USERS, tastes.ITEMS)
    for kind in (Transitions, Near, Sittings):
        with pytest.raises(StepsAside, match=f"{kind.name}: times tell the order of 0%"):
            kind.fit(flat, tastes.items())


def test_microseconds_that_only_tell_one_second_apart_are_no_gap():
    times = np.array([0, 1, 2, 60 * SECOND, 60 * SECOND + 1, 180 * SECOND])
    ordered = by_user(tastes.of([0] * 6, range(6), times, 1, 6))
    assert usual_gap(ordered, "x") == pytest.approx(90 * SECOND, rel=1e-3)


def test_mere_orders_are_served():
    assert usual_gap(by_user(tastes.of([0] * 4, range(4), [1, 2, 3, 5], 1, 4)), "x") == 1


def test_pairs_are_of_one_user_in_their_order_and_not_of_an_item_with_itself():
    ordered = by_user(tastes.of([0, 0, 0, 1], [2, 2, 1, 0], [1, 2, 3, 4], 2, 3))
    found = pairs(ordered, 2, lambda step, apart: 10 * step + apart)
    assert found.toarray().tolist() == [[0, 0, 0], [0, 0, 0], [0, 11 + 22, 0]]


def test_what_follows_is_found_after_its_item_and_not_before_it():
    who = np.repeat(np.arange(6), 3)
    acts = tastes.of(who, np.tile([0, 1, 2], 6), np.tile([10, 20, 30], 6) + who, 6, 3)
    follows = Transitions.fit(acts, tastes.items(3)).weights.toarray()
    assert follows[0, 1] > follows[0, 2] > 0
    assert follows[2, 1] == follows[1, 0] == 0


def test_what_shares_sittings_is_nearer_than_what_shares_only_users():
    who, what, when = [], [], []
    for user in range(20):  # everybody acts on all four, 0 with 1 and 2 with 3 in one sitting
        who += [user] * 4
        what += [0, 1, 2, 3]
        when += [user, user + 10, user + 90_000, user + 90_010]
    weights = Sittings.fit(tastes.of(who, what, np.array(when) * SECOND, 20, 4), tastes.items(4)).weights
    assert weights[0, 1] > weights[0, 2] and weights[2, 3] > weights[2, 1]
