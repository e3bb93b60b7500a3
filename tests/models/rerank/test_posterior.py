import numpy as np
import pytest
from scipy import stats

from models.rerank.posterior import ODDS, PRIOR, chance, draw, posteriors

RATES = 1 / (1 + np.exp(-ODDS))


def test_the_posterior_is_the_beta_of_the_outcomes_and_the_common_rate():
    impressions, clicks = np.array([400, 0, 50]), np.array([40, 0, 10])
    rate = 50 / 450
    for upto, shown, up in zip(posteriors(impressions, clicks), impressions, clicks, strict=True):
        beta, mass = stats.beta(up + PRIOR * rate, shown - up + PRIOR * (1 - rate)), np.diff(upto, prepend=0)
        assert upto[-1] == 1
        assert mass @ RATES == pytest.approx(beta.mean(), rel=0.01)
        assert ((mass @ RATES**2) - (mass @ RATES) ** 2) ** 0.5 == pytest.approx(beta.std(), rel=0.05)


def test_millions_of_outcomes_and_none_at_all_are_fine():
    for counts in (np.array([10_000_000.0, 5.0]), np.zeros(2)):
        upto = posteriors(counts, counts / 100)
        assert np.isfinite(upto).all() and (np.diff(upto, axis=1) >= 0).all()


def test_clicks_without_their_impressions_count_as_impressions():
    np.testing.assert_allclose(posteriors(np.array([3, 9]), np.array([5, 1])), posteriors([5, 9], np.array([5, 1])))


def test_what_nobody_counted_is_no_outcome():
    unknown = posteriors(np.array([np.nan, 100]), np.array([np.nan, 10]))
    np.testing.assert_array_equal(unknown, posteriors(np.array([0, 100]), np.array([0, 10])))


def test_the_chances_of_all_items_add_up_to_one():
    random = np.random.default_rng(0)
    upto = posteriors(shown := random.integers(0, 300, 40), random.binomial(shown, 0.1))
    assert sum(chance(upto, row) for row in range(40)) == pytest.approx(1)


def test_an_item_wins_as_often_as_its_chance_says():
    upto = posteriors(np.array([100, 100, 20, 0]), np.array([12, 9, 2, 0]))
    random, draws = np.random.default_rng(1), 20_000
    won = np.bincount([draw(upto, random) for _ in range(draws)], minlength=4)
    expected = draws * np.array([chance(upto, row) for row in range(4)])
    assert stats.chisquare(won, expected).pvalue > 0.001


def test_an_item_that_does_better_wins_more_often():
    upto = posteriors(np.array([1000, 1000]), np.array([50, 100]))
    assert chance(upto, 1) > 0.99
