"""What lists are like apart from being right."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_rankings import lists

from models import metrics


def test_coverage_counts_the_items_among_the_first_k_of_any_group():
    ranking = metrics.rank(np.array([1, 1, 2, 2]), np.array([1, 0, 0, 1]), np.array([0.9, 0.1, 0.8, 0.2]))
    assert metrics.coverage(ranking, np.array([5, 6, 5, 7]), k=1, catalogue=4) == 0.25
    assert metrics.coverage(ranking, np.array([5, 6, 5, 7]), k=2, catalogue=4) == 0.75


@settings(deadline=None)
@given(lists(), st.integers(1, 10), st.integers(0, 2**32))
def test_topics_and_means_of_lists_are_those_of_a_plain_count(data, k, seed):
    answered, _ = data
    random = np.random.default_rng(seed)
    topics, values = random.integers(-1, 4, (15, 2)), random.random(15)
    ranking, shown = metrics.listed(*data), np.concatenate([*answered, np.zeros(0, int)]).astype(int)
    counted = metrics.topics_per_list(ranking, topics[shown], k)
    means = metrics.mean_of_shown(ranking, values[shown], k)
    for places, count, mean in zip(answered, counted, means, strict=True):
        if len(places):
            assert count == len(set(topics[places[:k]].ravel().tolist()) - {-1})
            assert mean == pytest.approx(values[places[:k]].mean())
        else:
            assert np.isnan(count) and np.isnan(mean)


def test_one_topic_an_item_may_come_as_a_plain_column():
    ranking = metrics.listed([np.array([0, 1, 2])], [np.array([0])])
    assert metrics.topics_per_list(ranking, np.array([3, 3, 8]), 3).tolist() == [2]


def test_the_popularity_of_an_item_is_the_share_of_items_with_fewer_acts():
    assert metrics.popularity(np.array([5, 0, 9, 0])).tolist() == [0.625, 0.25, 0.875, 0.25]


def test_what_few_act_on_is_news():
    np.testing.assert_allclose(metrics.information(np.array([4, 2, 1, 1, 0])), [1, 2, 3, 3, 3])


@pytest.mark.parametrize(("shown", "expected"), [([3, 3, 3], 0), ([0, 0, 0, 8], 0.75), ([1, 3], 0.25)])
def test_gini_is_0_for_all_alike_and_grows_with_inequality(shown, expected):
    assert metrics.gini(np.array(shown)) == pytest.approx(expected)


def test_gini_of_nothing_shown_is_unknown():
    assert np.isnan(metrics.gini(np.zeros(3))) and np.isnan(metrics.gini(np.zeros(0)))


def test_items_are_counted_as_often_as_they_are_among_the_first_k():
    answered = [np.array([2, 0]), np.array([2, 1])]
    ranking = metrics.listed(answered, [np.array([0]), np.array([0])])
    assert metrics.times_shown(ranking, np.concatenate(answered), 1, 4).tolist() == [0, 0, 2, 0]
