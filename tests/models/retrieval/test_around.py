import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.retrieval.around import FADING, SIDES, STEPS, around, of_acts, of_history, told
from streamrank.clock import SECOND

ITEMS = 30


def history(seconds, items=None):
    count = len(seconds)
    own = np.arange(count) if items is None else np.array(items)
    return told(np.zeros(count, np.int64), own, np.array(seconds, np.int64) * SECOND)


def sides(known, places):
    return around(known, places, ITEMS).toarray().reshape(len(places.begins), SIDES, ITEMS)


def test_the_first_of_several_acts_on_an_item_counts_and_one_second_is_one_time():
    known = told(np.array([1, 1, 0, 1]), np.array([5, 5, 7, 2]), np.array([9, 3, 4, 3.4]) * SECOND)
    assert known.users.tolist() == [0, 1, 1]
    assert known.items.tolist() == [7, 2, 5]
    assert len(np.unique(known.keys)) == 2


def test_what_lies_at_before_and_after_the_place_of_an_act_without_itself():
    known = history([0, 10, 20, 20, 30])
    found = sides(known, of_acts(known, known))[2]
    together, before, after = (np.flatnonzero(side).tolist() for side in found)
    assert (together, before, after) == ([3], [0, 1], [4])
    assert found[1, 0] / found[1, 1] == pytest.approx(FADING)
    assert (found[0, 3], found[2, 4]) == pytest.approx((1, 1))


def test_the_place_of_an_act_that_is_not_told_lies_among_those_that_are():
    acts = history([0, 10, 20, 30])
    known = acts.only(np.array([True, False, True, True]))
    found = sides(known, of_acts(acts, known))[1]
    assert [np.flatnonzero(side).tolist() for side in found] == [[], [0], [2, 3]]


def test_others_histories_are_not_looked_at():
    known = told(np.array([0, 1, 2]), np.array([1, 2, 3]), np.array([5, 5, 5]) * SECOND)
    assert around(known, of_acts(known, known), ITEMS).nnz == 0


def test_a_history_has_places_at_its_times_between_them_and_at_both_ends():
    known = history([0, 10, 10, 30])
    places, at_acts = of_history(known)
    found = sides(known, places)
    assert at_acts == 3
    assert [np.flatnonzero(side).tolist() for side in found[1]] == [[1, 2], [0], [3]]
    between = found[at_acts:]
    assert not between[:, 0].any()
    assert [np.flatnonzero(side).tolist() for side in between[:, 1]] == [[], [0], [0, 1, 2], [0, 1, 2, 3]]
    assert [np.flatnonzero(side).tolist() for side in between[:, 2]] == [[0, 1, 2, 3], [1, 2, 3], [3], []]


def test_nothing_known_is_one_place_with_nothing_around_it():
    places, at_acts = of_history(history([]))
    assert (at_acts, len(places.begins)) == (0, 1)
    assert around(history([]), places, ITEMS).nnz == 0


@given(st.lists(st.integers(0, 20), min_size=1, max_size=25))
def test_no_act_is_around_itself_nor_on_two_sides_and_few_are_on_one(seconds):
    known = history(seconds)
    found = sides(known, of_acts(known, known)) > 0
    assert not found[np.arange(len(known)), :, known.items].any()
    assert (found.sum(axis=1) <= 1).all()
    assert (found[:, 1:].sum(axis=2) <= STEPS).all()
