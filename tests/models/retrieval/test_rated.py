from dataclasses import replace

import numpy as np
import pytest
import tastes

from models.retrieval import linear
from models.retrieval.rated import Rated
from models.retrieval.source import StepsAside
from models.viewer import Viewer

HALF = tastes.ITEMS // 2


def rated(seed=0):
    """Everybody acts on anything; the even rate the first half high and the others low, the odd the other way; the
    last item is good for all."""
    random = np.random.default_rng(seed)
    who, which = np.nonzero(random.random((60, tastes.ITEMS)) < 0.5)
    acts = tastes.of(who, which, np.arange(len(who)), 60, tastes.ITEMS)
    taste = np.where((acts.items < HALF) == (acts.users % 2 == 0), 1.0, -1.0)
    ratings = np.where(acts.items == tastes.ITEMS - 1, 5.0, 3 + taste + random.normal(0, 0.3, len(acts)))
    return replace(acts, ratings=ratings.astype(np.float32))


ACTS = rated()
FITTED = Rated.fit(ACTS, tastes.items())


def said(items, ratings):
    viewer = Viewer(items=np.array(items), times=np.arange(len(items)), ratings=np.array(ratings, np.float32),
                    weights=np.ones(len(items), np.float32))  # fmt: skip
    return FITTED.find(viewer, tastes.moment(), np.ones(tastes.ITEMS, bool), 5)


def test_it_says_what_is_good_and_what_is_good_for_the_viewer_and_proposes_nothing():
    answer = said([1, 3, 40, 45], [4, 4, 2, 2])
    assert len(answer.places) == 0
    scores = answer.of(np.arange(tastes.ITEMS))
    assert scores.dtype == np.float32
    assert scores[5:HALF].mean() > scores[HALF:-1].mean() + 0.05
    assert scores.argmax() == tastes.ITEMS - 1


def test_acts_without_a_rating_say_nothing():
    assert len(said([], []).of(np.array([3]))) == 1
    assert np.isnan(said([1, 2], [np.nan, np.nan]).of(np.array([3]))).all()
    np.testing.assert_array_equal(said([1, 2], [4, np.nan]).of(np.arange(9)), said([1], [4]).of(np.arange(9)))


def test_items_that_came_after_the_fit_are_passed_over():
    np.testing.assert_array_equal(said([1, 70], [4, 4]).of(np.arange(9)), said([1], [4]).of(np.arange(9)))
    assert np.isnan(said([1], [4]).of(np.array([70]))).all()


def test_what_was_saved_says_the_same(tmp_path):
    FITTED.save(tmp_path)
    other = Rated.load(tmp_path, tastes.items())
    assert other.mean == FITTED.mean
    np.testing.assert_array_equal(other.weights, FITTED.weights)
    np.testing.assert_array_equal(other.of_items, FITTED.of_items)


def test_without_ratings_or_with_too_many_items_it_steps_aside(monkeypatch):
    for acts in (tastes.acts(), replace(ACTS, ratings=np.full(len(ACTS), 3, np.float32)), ACTS.only(slice(0, 0))):
        with pytest.raises(StepsAside, match="acts bring a rating, or all the same"):
            Rated.fit(acts, tastes.items())
    monkeypatch.setattr(linear, "DENSE", tastes.ITEMS - 1)
    with pytest.raises(StepsAside, match="rated: takes at most 59 items, found 60"):
        Rated.fit(ACTS, tastes.items())
