"""What people come back to: by how often, how lately, and at which hour, weighed as the data say."""

import numpy as np
import pytest
import tastes
from hypothesis import given, settings
from hypothesis import strategies as st

from models.retrieval.again import Again
from models.retrieval.choice import choice_weights
from models.retrieval.habit import SIGNS, habits_of, visits
from models.retrieval.source import StepsAside
from models.viewer import Viewer
from streamrank.clock import DAY, HOUR

NOON = 19_000 * DAY + 12 * HOUR


def living(days: int, users: int = 30, items: int = 12, seed: int = 1):
    """Each user has a channel for the morning and one for the evening, and now and then looks at another."""
    random = np.random.default_rng(seed)
    who, day, evening = (part.ravel() for part in np.meshgrid(range(users), range(days), (0, 1), indexing="ij"))
    own = (who + 5 * evening) % items
    which = np.where(random.random(len(who)) < 0.2, random.integers(items, size=len(who)), own)
    times = 19_000 * DAY + day * DAY + (8 + 12 * evening) * HOUR + random.integers(0, HOUR, len(who))
    return tastes.of(who, which, times, users, items)


def test_it_knows_the_hour():
    acts = living(20)
    source = Again.fit(acts, tastes.items(12))
    viewer = tastes.viewer_of(acts, 3, 19_020 * DAY)
    first = [
        source.find(viewer, tastes.moment(12, 19_020 * DAY + hour * HOUR), np.ones(12, bool), 1).places[0]
        for hour in (8, 20)
    ]
    assert first == [3, 8]


def test_it_names_what_they_come_back_to_more_often_than_counts_or_the_latest_do():
    acts = living(24)
    cut = 19_016 * DAY
    source, later = Again.fit(acts.before(cut), tastes.items(12)), np.flatnonzero(acts.times >= cut)
    right = dict.fromkeys(("again", "often", "latest"), 0)
    for row in later:
        now, item = int(acts.times[row]), acts.items[row]
        viewer = tastes.viewer_of(acts, int(acts.users[row]), now)
        right["again"] += source.find(viewer, tastes.moment(12, now), np.ones(12, bool), 1).places[0] == item
        right["often"] += np.bincount(viewer.items).argmax() == item
        right["latest"] += viewer.items[-1] == item
    assert right["again"] > 1.5 * max(right["often"], right["latest"])


def test_times_that_are_only_an_order_are_enough():
    random = np.random.default_rng(2)
    who = np.repeat(np.arange(30), 40)
    which = (who + (random.random(len(who)) ** 3 * 12).astype(int)) % 12
    acts = tastes.of(who, which, np.tile(np.arange(40), 30), 30, 12)
    source = Again.fit(acts, tastes.items(12))
    found = [
        source.find(tastes.viewer_of(acts, user, 40), tastes.moment(12, 40), np.ones(12, bool), 1).places[0]
        for user in range(30)
    ]
    assert np.mean(np.array(found) == np.arange(30) % 12) > 0.9


def test_data_in_which_nobody_comes_back_step_aside():
    with pytest.raises(StepsAside, match=r"again: 0\.0% of visits return to an item, needs at least 2%"):
        Again.fit(tastes.acts(), tastes.items())


def test_what_they_never_came_to_has_no_score():
    source = Again.fit(living(10), tastes.items(12))
    viewer = Viewer("u", np.array([2, 2, 4]), NOON + np.arange(3) * DAY, np.ones(3, np.float32))
    found = source.find(viewer, tastes.moment(12, NOON + 3 * DAY), np.ones(12, bool), 10)
    assert sorted(found.places.tolist()) == [2, 4]
    assert np.isnan(found.of(np.array([0, 11]))).all()


def test_acts_in_a_row_are_one_visit_until_half_an_hour_passed():
    minutes = np.array([0, 10, 20, 30, 90, 100, 110])
    items = np.array([1, 1, 2, 2, 2, 2, 1])
    assert visits(items, NOON + minutes * HOUR // 60).tolist() == [True, False, True, False, True, False, True]
    assert visits(items, minutes).all(), "an order has no minutes"
    assert visits(items[:0], minutes[:0]).tolist() == []


def test_acts_of_several_users_are_never_one_visit():
    assert visits(np.array([1, 1]), np.array([NOON, NOON]), np.array([0, 1])).all()


def test_the_share_of_returns_is_drawn_to_the_usual():
    acts = tastes.of([0, 0, 0, 0, 1], [0, 1, 0, 0, 1], [1, 2, 3, 4, 5], 2, 3)
    habits = habits_of(acts.only(np.argsort(acts.users, kind="stable")))
    assert habits.returned[0] > habits.usual > habits.returned[1]
    assert habits.returned[2] == np.float32(habits.usual)


@settings(deadline=None)
@given(st.lists(st.integers(0, 4), min_size=1, max_size=30), st.integers(0, 10**15))
def test_signs_are_finite_whatever_the_times(items, now):
    acts = living(5)
    habits = habits_of(acts.only(np.argsort(acts.users, kind="stable")))
    times = np.sort(np.random.default_rng(len(items)).integers(0, 10**15, len(items)))
    places, signs = habits.signs(np.array(items), times, np.zeros(len(items), np.float32), now)
    assert places.tolist() == sorted(set(items)) and signs.shape == (len(places), len(SIGNS))
    assert np.isfinite(signs).all()


def test_the_weights_of_a_choice_are_found_again():
    random = np.random.default_rng(0)
    truth = np.array([1.5, -0.7, 0.0])
    features = random.normal(size=(3_000, 5, 3))
    chosen = (features @ truth + random.gumbel(size=(3_000, 5))).argmax(axis=1)
    begins = np.arange(3_000) * 5
    found = choice_weights(features.reshape(-1, 3), begins, begins + chosen)
    np.testing.assert_allclose(found, truth, atol=0.1)
