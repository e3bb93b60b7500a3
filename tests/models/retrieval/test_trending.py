"""Decayed counts: exact at every instant, and about right from windows."""

import numpy as np
import pytest
import tastes
from hypothesis import given, settings
from hypothesis import strategies as st

from models.retrieval import trending
from models.retrieval.trending import half_life_of, recent_at, recent_from_windows
from streamrank.clock import DAY, HOUR

ACTS = tastes.acts(users=60, each=20)


def directly(acts, instant: int, half_life: float) -> np.ndarray:
    earlier = acts.times < instant
    fading = 0.5 ** ((instant - acts.times[earlier]) / half_life)
    return np.bincount(acts.items[earlier], fading, minlength=acts.shape[1])


@settings(deadline=None)
@given(st.integers(-DAY, 30 * DAY), st.sampled_from([HOUR, DAY, 100 * DAY]))
def test_at_any_instant_it_is_the_sum_over_earlier_acts(instant, half_life):
    found = recent_at(ACTS, np.array([instant]), half_life)[0]
    np.testing.assert_allclose(found, directly(ACTS, instant, half_life), rtol=1e-5, atol=1e-7)


def test_an_act_counts_only_after_its_own_instant():
    acts = tastes.of([0], [2], [100], 1, 3)
    assert recent_at(acts, np.array([100, 101]), 10**9)[:, 2].tolist() == [0, 1]


def test_no_instants_give_no_rows():
    assert recent_at(ACTS, np.zeros(0, np.int64), 1.0).shape == (0, tastes.ITEMS)


def test_the_half_life_is_short_where_fashions_are():
    """One item a day has all the acts, or the same items always do."""
    days = np.repeat(np.arange(40), 50)
    times = days * DAY + np.tile(np.arange(50), 40) * HOUR // 4
    users, random = np.tile(np.arange(50), 40), np.random.default_rng(0)
    fashions = tastes.of(users, days % 30, times, 50, 30)
    steady = tastes.of(users, random.zipf(1.6, len(days)) % 30, times, 50, 30)
    assert half_life_of(fashions) < 3 * DAY < half_life_of(steady)


@pytest.mark.parametrize("half_life", [HOUR, 10 * HOUR, 200 * HOUR])
def test_windows_give_nearly_the_same_where_acts_come_evenly(half_life):
    now = 170 * HOUR
    times = np.linspace(2 * HOUR + 1, now - 1, 20_000).astype(np.int64)
    acts = tastes.of(np.zeros(len(times)), np.zeros(len(times)), times, 1, 1)
    lengths = (HOUR // 6, HOUR, 24 * HOUR, 168 * HOUR)
    windows = {length: np.array([np.count_nonzero(times >= now - length)]) for length in lengths}
    assert recent_from_windows(windows, half_life) == pytest.approx(directly(acts, now, half_life), rel=0.01)


def test_a_window_that_is_missing_counts_as_empty():
    windows = {HOUR: np.array([2.0, np.nan]), DAY: np.array([np.nan, np.nan])}
    found = recent_from_windows(windows, 1e6 * DAY)
    assert found == pytest.approx([2, 0], abs=1e-4)


def test_many_items_need_few_sums_and_give_the_same(monkeypatch):
    instants = np.array([3 * DAY, 5 * DAY + HOUR])
    want = recent_at(ACTS, instants, DAY)
    monkeypatch.setattr(trending, "CELLS", 3 * tastes.ITEMS)
    np.testing.assert_allclose(recent_at(ACTS, instants, DAY), want, rtol=1e-5)
