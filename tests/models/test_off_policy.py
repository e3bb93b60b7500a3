"""Estimates of a policy that never ran, in worlds whose truth is known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models import off_policy
from models.off_policy import Logged
from models.outcome_rates import cross_fitted

RATES = np.array([0.5, 0.2, 0.1, 0.05])
LOGGING, NEW = np.array([0.1, 0.2, 0.3, 0.4]), np.array([0.7, 0.1, 0.1, 0.1])
TRUTH = float(NEW @ RATES)


def log(rows: int, seed: int, expectations: np.ndarray | None = None) -> Logged:
    """A log of a policy that looks at nobody. expectations: of each item, of a model; None for no model."""
    random = np.random.default_rng(seed)
    shown = random.choice(len(RATES), rows, p=LOGGING)
    rewards = (random.random(rows) < RATES[shown]).astype(float)
    known = (None, None) if expectations is None else (expectations[shown], np.full(rows, NEW @ expectations))
    return Logged(rewards, LOGGING[shown], NEW[shown], *known)


@pytest.mark.parametrize("interval", ["bootstrap", "normal"])
def test_estimates_are_right_on_average_and_their_intervals_hold_the_truth_as_often_as_they_say(interval):
    wrong_model = np.full(4, 0.3)
    runs = [off_policy.estimates(log(400, seed, wrong_model), None, interval) for seed in range(100)]
    for name in ("ips", "snips", "dr"):
        means = np.array([run[name].mean for run in runs])
        assert abs(means.mean() - TRUTH) < 4 * means.std() / len(means) ** 0.5
        assert np.mean([run[name].low <= TRUTH <= run[name].high for run in runs]) > 0.88


def test_a_right_model_makes_the_doubly_robust_estimate_sharper():
    logged = log(2_000, 1, RATES)
    widths = {name: found.high - found.low for name, found in off_policy.estimates(logged).items()}
    assert widths["dr"] < widths["snips"] < widths["ips"]


def test_wrong_propensities_are_made_good_by_a_right_model():
    logged = log(20_000, 2, RATES)
    wrong = Logged(logged.rewards, np.full(20_000, 0.25), logged.target, logged.shown, logged.chosen)
    assert off_policy.ips(wrong).mean < TRUTH - 0.1
    assert off_policy.doubly_robust(wrong).mean == pytest.approx(TRUTH, abs=0.02)


def test_the_policy_that_logged_is_worth_its_own_mean_and_all_its_rows():
    logged = log(500, 3)
    same = Logged(logged.rewards, logged.propensity, logged.propensity)
    assert off_policy.ips(same).mean == off_policy.snips(same).mean == pytest.approx(logged.rewards.mean())
    told = off_policy.support(same)
    assert (told.rows, told.effective, told.mean_weight, told.clipped) == (500, pytest.approx(500), 1, 0)


@settings(deadline=None, max_examples=30)
@given(st.floats(0.5, 20), st.integers(0, 2**32 - 1))
def test_clipping_cuts_weights_and_says_how_many(clip, seed):
    logged = log(200, seed)
    assert logged.weights(clip).max() <= clip
    told, whole = off_policy.support(logged, clip), off_policy.support(logged)
    assert told.clipped == np.mean(logged.weights() > clip)
    assert told.effective >= whole.effective - 1e-9
    assert off_policy.ips(logged, clip).mean <= off_policy.ips(logged).mean + 1e-12


def test_rows_of_one_user_widen_the_interval():
    logged = log(600, 4)
    repeated = {name: np.repeat(getattr(logged, name), 5) for name in ("rewards", "propensity", "target")}
    alone, drawn = Logged(**repeated), Logged(**repeated, units=np.repeat(np.arange(600), 5))
    for interval in ("bootstrap", "normal"):
        apart, together = (off_policy.snips(each, interval=interval) for each in (alone, drawn))
        assert together.high - together.low > 1.8 * (apart.high - apart.low)


def test_a_policy_that_shows_nothing_that_was_shown_is_unknown():
    nothing = Logged(np.ones(3), np.full(3, 0.5), np.zeros(3))
    assert np.isnan(off_policy.snips(nothing).mean) and np.isnan(off_policy.snips(nothing, interval="normal").mean)
    assert off_policy.support(nothing).effective == 0


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (
            {"propensity": np.array([0.5, 0.0])},
            r"propensity: expected above 0, at most 1, found \[0.0\] in 1 of 2 rows",
        ),
        ({"propensity": np.array([np.nan, 1.2])}, "propensity: expected above 0"),
        ({"target": np.array([0.5, -0.1])}, "target: expected 0 to 1"),
        ({"rewards": np.array([np.inf, 1])}, "rewards: expected finite"),
        ({"rewards": np.ones(3)}, "expected columns of one length"),
    ],
)
def test_a_log_that_cannot_be_is_refused(columns, message):
    good = {"rewards": np.ones(2), "propensity": np.ones(2), "target": np.ones(2)}
    with pytest.raises(ValueError, match=message):
        Logged(**good | columns)


def test_an_empty_log_and_a_missing_model_are_refused():
    with pytest.raises(ValueError, match="at least 1"):
        Logged(*[np.zeros(0)] * 3)
    with pytest.raises(ValueError, match="doubly robust: expected what a model expects"):
        off_policy.doubly_robust(log(5, 0))
    with pytest.raises(ValueError, match="interval: expected"):
        off_policy.ips(log(5, 0), interval="exact")


def test_what_is_expected_of_a_row_does_not_follow_from_its_unit():
    items, units = np.zeros(4_000, int), np.repeat(np.arange(400), 10)
    rewards = (units % 2).astype(float)
    flipped = np.where(units == 7, 1 - rewards, rewards)
    own = units == 7
    np.testing.assert_array_equal(
        cross_fitted(items, rewards, 2, units)[own], cross_fitted(items, flipped, 2, units)[own]
    )


def test_items_without_rows_are_expected_to_be_like_the_others():
    items, rewards = np.repeat([0, 1], 50_000), np.repeat([0.0, 1.0], 50_000)
    expected = cross_fitted(items, rewards, 3)
    np.testing.assert_allclose(expected.mean(axis=0), [0.0, 1.0, 0.5], atol=0.03)
