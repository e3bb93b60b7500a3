import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.retrieval.merging import SOURCE_FEATURES, SURE, features_of, fused, merged, ranks_of
from models.retrieval.source import best

NAMES = ["one", "two", "three"]


def listed(places: list[int], items: int = 60):
    """A source that proposes these, the first the best."""
    scores = np.full(items, np.nan, np.float32)
    scores[places] = np.arange(len(places), 0, -1)
    return best(scores, np.ones(items, bool), items)


LISTS = st.fixed_dictionaries({}, optional={name: st.lists(st.integers(0, 59), unique=True) for name in NAMES})


@settings(deadline=None)
@given(LISTS, st.integers(1, 80))
def test_each_item_once_and_as_many_as_there_are(lists, most):
    found = {name: listed(places) for name, places in lists.items()}
    candidates = merged(found, NAMES, most)
    proposed = set().union(*lists.values()) if lists else set()
    assert len(set(candidates.places.tolist())) == len(candidates.places) == min(most, len(proposed))
    assert set(candidates.places.tolist()) <= proposed


@settings(deadline=None)
@given(LISTS)
def test_the_features_of_candidates_are_those_of_the_same_items_when_given(lists):
    found = {name: listed(places) for name, places in lists.items()}
    candidates = merged(found, NAMES, 40)
    np.testing.assert_array_equal(features_of(found, NAMES, candidates.places), candidates.features)
    assert candidates.features.shape == (len(candidates.places), len(SOURCE_FEATURES(NAMES)))


@settings(deadline=None)
@given(LISTS)
def test_known_ranks_put_candidates_in_the_same_order(lists):
    candidates = merged({name: listed(places) for name, places in lists.items()}, NAMES, 200)
    worth = fused(candidates.features[:, 1:-1:2])
    assert (np.diff(worth) <= 1e-12).all()


@settings(deadline=None)
@given(LISTS)
def test_the_first_of_every_source_are_among_them(lists):
    found = {name: listed(places) for name, places in lists.items()}
    places = set(merged(found, NAMES, len(NAMES) * SURE).places.tolist())
    assert all(place in places for chosen in lists.values() for place in chosen[:SURE])


def test_features_tell_score_rank_and_how_many_found_it():
    found = {"one": listed([7, 3]), "two": listed([3])}
    features = dict(zip(SOURCE_FEATURES(NAMES), features_of(found, NAMES, np.array([3, 9])).T.tolist(), strict=True))
    assert features["one_score"] == [1, pytest.approx(np.nan, nan_ok=True)]
    assert features["one_rank"][0] == 2 and features["two_rank"][0] == 1
    assert np.isnan(features["three_score"]).all() and features["sources_found"] == [2, 0]


def test_what_sources_agree_on_comes_before_what_one_alone_ranks_as_high():
    found = {"one": listed([1, 2, 3, 4, 5, 6]), "two": listed([7, 8, 9, 10, 5, 11])}
    assert merged(found, NAMES).places[0] == 5


def test_found_by_says_which_source_proposed_it():
    candidates = merged({"two": listed([4]), "three": listed([4, 5])}, NAMES)
    assert candidates.found_by[candidates.places == 4].tolist() == [[False, True, True]]


def test_ranks_begin_at_one_and_are_missing_where_it_is_not_listed():
    assert ranks_of(np.array([9, 2]), np.array([2, 9, 5]))[:2].tolist() == [2, 1]
    assert np.isnan(ranks_of(np.array([9, 2]), np.array([5]))).all()
