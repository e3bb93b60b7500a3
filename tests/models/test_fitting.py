"""Growing: deterministic, stopped on what is later, rising where it must."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import fitting, metrics
from models.rankers.examples import Examples
from models.rankers.lambdamart import PARAMETERS

FEATURES = ["item_likes_60d", "noise"]


def example(groups: int = 300, seed: int = 1):
    """Groups of six, asked one after the other, whose positive mostly has the highest first feature."""
    random = np.random.default_rng(seed)
    matrix = random.random((groups * 6, 2)).astype(np.float32)
    wanted = (matrix[:, 0] + random.normal(0, 0.15, groups * 6)).reshape(groups, 6).argmax(axis=1)
    labels = (np.arange(6) == wanted[:, None]).astype(np.int8).ravel()
    codes = np.repeat(np.arange(groups), 6)
    return matrix, labels, codes, codes * 1_000


def grown(matrix, labels, groups, times, **changes):
    examples = Examples(matrix, labels, groups, times, features=FEATURES)
    return fitting.grow(examples, PARAMETERS | changes, fitting.surprise)


def score(booster, matrix):
    return booster.inplace_predict(matrix, validate_features=False)


def test_the_same_input_gives_the_same_scores():
    matrix, *rest = example()
    first, second = (score(grown(matrix, *rest), matrix) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_it_ranks_unseen_groups_well():
    matrix, labels, groups, _ = example(seed=2)
    found = metrics.ndcg(metrics.rank(groups, labels, score(grown(*example()), matrix)), 10).mean()
    chance = metrics.ndcg(metrics.rank(groups, labels, np.zeros(len(labels))), 10).mean()
    assert found > chance + 0.2


def test_more_of_a_rising_feature_never_lowers_a_score():
    booster = grown(*example())
    steps = np.linspace(0, 1, 50, dtype=np.float32)
    for noise in (0.1, 0.5, 0.9):
        scores = score(booster, np.column_stack([steps, np.full(50, noise, np.float32)]))
        assert np.all(np.diff(scores) >= 0)


def test_what_it_stops_on_is_not_grown_on():
    matrix, labels, groups, times = example()
    late = fitting.held_out(times)
    turned = labels.copy()
    turned[late] = np.roll(labels, 1)[late]
    one, other = (grown(matrix, seen, groups, times, again=False) for seen in (labels, turned))
    rounds = min(one.num_boosted_rounds(), other.num_boosted_rounds())
    np.testing.assert_array_equal(score(one[:rounds], matrix), score(other[:rounds], matrix))
    assert one.num_boosted_rounds() > other.num_boosted_rounds()


def test_as_many_rounds_as_were_best_are_grown_on_all():
    stopped, whole = grown(*example(), again=False), grown(*example())
    assert whole.num_boosted_rounds() == stopped.num_boosted_rounds()
    exactly = grown(*example(), exactly=whole.num_boosted_rounds())
    assert whole.save_raw() == exactly.save_raw() != stopped.save_raw()


def test_groups_that_are_all_asked_at_once_are_all_grown_on():
    matrix, labels, groups, times = example(50)
    assert not fitting.held_out(np.zeros_like(times)).any()
    assert grown(matrix, labels, groups, np.zeros_like(times)).num_boosted_rounds() > 0


@given(st.lists(st.integers(0, 8), max_size=60))
def test_the_later_slice_is_the_latest_and_parts_no_equal_times(times):
    times = np.array(times, np.int64)
    late = fitting.held_out(times)
    assert times[~late].max(initial=-1) < times[late].min(initial=9)
    if late.any():
        assert late.mean() >= fitting.HELD_OUT * 0.99 and not late.all()


def test_the_stopping_measure_is_the_mean_surprise_of_the_positives():
    scores, labels = np.array([2.0, 1.0, 0.5, 0.0], np.float32), np.array([1, 0, 0, 1])
    part = fitting.part(
        Examples(np.zeros((4, 1), np.float32), labels, np.array([3, 3, 8, 8]), np.zeros(4), features=["a"]), True
    )
    odds = np.exp(scores.astype(float))
    expected = -(np.log(odds[0] / odds[:2].sum()) + np.log(odds[3] / odds[2:].sum())) / 2
    assert fitting.surprise(scores, part)[1] == pytest.approx(expected)
