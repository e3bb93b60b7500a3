"""How often and how lately a viewer visited an item, by plain counts, and what was watched most of all."""

import numpy as np
import pytest
import tastes
from hypothesis import given
from hypothesis import strategies as st

from models.retrieval.own_visits import Lately, Often
from models.retrieval.popular import Popular
from models.retrieval.source import StepsAside
from models.viewer import Viewer

ITEMS, ALL = 6, np.ones(6, bool)
EACH = np.tile([0, 1, 0, 2, 0, 1], 10)
RETURNED = tastes.of(np.repeat(np.arange(10), 6), EACH, np.arange(60), 10, ITEMS)
ONCE = tastes.of(np.repeat(np.arange(10), 3), np.tile([0, 1, 2], 10), np.arange(30), 10, ITEMS)


def fitted(kind):
    return kind.fit(RETURNED, tastes.items(ITEMS))


def viewer(*items: int) -> Viewer:
    places = np.array(items, np.int64)
    return Viewer("u", places, np.arange(len(places)), np.ones(len(places), np.float32))


@pytest.mark.parametrize("kind", [Often, Lately, Popular])
def test_where_nobody_returns_it_steps_aside_and_says_why(kind):
    with pytest.raises(StepsAside, match=f"{kind.name}: 0.0% of visits return"):
        kind.fit(ONCE, tastes.items(ITEMS))


def test_what_was_visited_more_often_comes_first_and_of_as_many_the_last():
    found = fitted(Often).find(viewer(4, 1, 4, 2, 1, 3), tastes.moment(ITEMS), ALL, 10)
    assert found.places.tolist() == [1, 4, 3, 2]


@given(st.lists(st.integers(0, ITEMS - 1), min_size=1, max_size=30))
def test_what_was_visited_last_comes_first(items):
    found = fitted(Lately).find(viewer(*items), tastes.moment(ITEMS), ALL, 10)
    assert found.places.tolist() == list(dict.fromkeys(reversed(items)))


@given(st.lists(st.integers(0, ITEMS - 1), min_size=1, max_size=30), st.integers(0, ITEMS - 1))
def test_one_more_visit_never_lowers_how_often(items, more):
    before, after = (
        fitted(Often).find(viewer(*who), tastes.moment(ITEMS), ALL, 10).of(np.array([more]))[0]
        for who in (items, [*items, 5 - more, more])
    )
    assert np.isnan(before) or after > before


@pytest.mark.parametrize("kind", [Often, Lately])
def test_of_what_they_never_visited_it_says_nothing(kind):
    found = fitted(kind).find(viewer(0, 1, 0), tastes.moment(ITEMS), ALL, 10)
    assert np.isnan(found.of(np.array([2, 5, 99]))).all()


def test_what_is_not_on_air_lately_is_still_known_as_popular():
    found = fitted(Popular).find(viewer(3), tastes.moment(ITEMS), ALL, 2)
    assert found.places.tolist() == [0, 1]
    np.testing.assert_allclose(found.scores, np.log([30, 20]), rtol=1e-6)
    assert np.isnan(found.of(np.array([4, 99]))).all()
