"""Intervals: their mean, their width, their users, their seed."""

import numpy as np
import pytest

from models import bootstrap, metrics


def test_the_mean_is_the_plain_one_and_lies_inside():
    values = np.random.default_rng(1).random(500)
    found = bootstrap.mean(values, np.arange(500))
    assert found.mean == pytest.approx(values.mean())
    assert found.low < found.mean < found.high


def test_the_interval_is_that_of_the_normal_theory():
    values = np.random.default_rng(2).normal(size=2_000)
    found = bootstrap.mean(values, np.arange(2_000))
    width = 2 * 1.96 * values.std() / np.sqrt(2_000)
    assert found.high - found.low == pytest.approx(width, rel=0.1)


def test_requests_of_one_user_do_not_count_as_independent():
    values = np.random.default_rng(3).normal(size=200)
    alone = bootstrap.mean(values, np.arange(200))
    repeated = bootstrap.mean(np.repeat(values, 25), np.repeat(np.arange(200), 25))
    assert repeated.high - repeated.low == pytest.approx(alone.high - alone.low, rel=1e-6)


def test_a_paired_difference_is_surer_than_two_intervals():
    random = np.random.default_rng(4)
    hard = random.random(400)
    better, worse = hard + 0.02 + random.normal(0, 0.01, 400), hard
    users = np.arange(400)
    assert bootstrap.difference(better, worse, users).low > 0
    assert bootstrap.mean(better, users).low < bootstrap.mean(worse, users).high


def test_missing_values_do_not_count_and_weights_do():
    values, users = np.array([0.0, 1.0, np.nan]), np.arange(3)
    assert bootstrap.mean(values, users).mean == 0.5
    assert bootstrap.mean(values, users, np.array([1, 3, 9])).mean == 0.75
    assert np.isnan(bootstrap.mean(np.array([np.nan]), np.array([0])).mean)


def test_the_same_input_gives_the_same_interval_in_blocks_of_any_size(monkeypatch):
    random = np.random.default_rng(5)
    labels, scores, users = random.integers(0, 2, 300), random.random(300), random.integers(0, 40, 300)
    found = bootstrap.auc(labels, scores, users), bootstrap.mean(scores, users)
    monkeypatch.setattr(bootstrap, "BLOCK_CELLS", 1)
    again = bootstrap.auc(labels, scores, users), bootstrap.mean(scores, users)
    for one, other in zip(found, again, strict=True):
        np.testing.assert_allclose([one.low, one.high], [other.low, other.high], rtol=1e-12)
    assert found[0].mean == metrics.auc(labels, scores)
    assert found[0].low < found[0].mean < found[0].high
