import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reranked import context, in_order, items

from models.rerank.fresh import Fresh
from models.rerank.step import Ranked

FIVE = items([None] * 5)


def test_a_new_item_is_lifted_and_says_how_old_it_is():
    found = Fresh(1.0).apply(in_order(5), context(FIVE, 5, ages=[90, 90, 90, 2, 90]))
    assert found.places.tolist() == [0, 1, 3, 2, 4]
    assert found.changes == {
        3: ("moved up 1: new, 2 days old",), 2: ("moved down 1: newer items came above it",),
    }  # fmt: skip


@pytest.mark.parametrize(("fade", "expected"), [("linear", [1, 0.5, 0, 0]), ("exponential", [1, 0.05**0.5, 0, 0])])
def test_the_lift_fades_over_the_days(fade, expected):
    ranked = in_order(4)
    found = Fresh(2.0, days=7, fade=fade).apply(ranked, context(items([None] * 4), 4, ages=[0, 3.5, 7, 30]))
    lift = np.zeros(4)
    lift[found.places] = found.boost
    np.testing.assert_allclose(lift, np.array(expected) * 2 * ranked.scores.std())


@settings(deadline=None, max_examples=60)
@given(st.floats(0.01, 1000), st.floats(-100, 100))
def test_the_scale_of_the_scores_does_not_matter(scale, shift):
    scores, asked = np.array([3.0, 2.5, 2.45, 1.0, 0.9]), context(FIVE, 5, ages=[9, 1, 0, 6, 2])
    first, other = (Fresh(0.5).apply(Ranked.of(np.arange(5), s), asked) for s in (scores, scores * scale + shift))
    assert first.places.tolist() == other.places.tolist()


def test_a_new_item_that_falls_behind_a_newer_one_says_just_that():
    found = Fresh(3.0).apply(in_order(5), context(FIVE, 5, ages=[6, 0, 90, 90, 90]))
    assert found.places.tolist() == [1, 0, 2, 3, 4]
    assert found.changes[0] == ("moved down 1: newer items came above it",)
    assert found.changes[1] == ("moved up 1: new today",)


def test_the_rankers_own_scores_stay_what_they_were():
    ranked = in_order(5)
    found = Fresh(1.0).apply(ranked, context(FIVE, 5, ages=[9, 9, 9, 0, 9]))
    np.testing.assert_array_equal(found.scores, ranked.scores[found.places])
    np.testing.assert_allclose(found.values, found.scores + found.boost)


def test_what_begins_in_the_future_is_as_new_as_what_begins_now():
    lifts = [Fresh(1.0).apply(in_order(5), context(FIVE, 5, ages=[age, 9, 9, 9, 9])).boost.max() for age in (0, -3)]
    assert lifts[0] == lifts[1] > 0


def test_where_nobody_knows_when_items_began_the_step_says_so():
    assert Fresh(1.0).lacks(context(FIVE, 5)) == "nobody knows when an item began"
    assert Fresh(1.0).lacks(context(FIVE, 5, ages=[9] * 5)) is None
