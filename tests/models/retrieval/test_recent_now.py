"""What trends online goes on from the fit: the same counts as offline, where the windows can tell them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.interactions import Interactions
from models.retrieval.trending import Trending, recent_at

HOUR = 3_600_000_000
WINDOWS = (HOUR // 6, HOUR, 24 * HOUR, 168 * HOUR)
FIT = 1_000 * HOUR


def acts_at(times: list[int], items: list[int], of: int = 3) -> Interactions:
    order = np.argsort(times, kind="stable")
    nothing = np.full(len(times), np.nan, np.float32)
    return Interactions(
        np.zeros(len(times), np.int32), np.array(items, np.int32)[order], np.array(times, np.int64)[order],
        np.ones(len(times), np.float32), nothing, nothing, np.array(["u"]), np.array([f"i{n}" for n in range(of)]),
    )  # fmt: skip


def counted(acts: Interactions, now: int) -> dict[int, np.ndarray]:
    """The acts in windows that end now."""
    return {
        length: np.bincount(acts.items[(acts.times >= now - length) & (acts.times < now)], minlength=3).astype(
            np.float32
        )
        for length in WINDOWS
    }


@given(st.lists(st.tuples(st.integers(0, FIT - 1), st.integers(0, 2)), min_size=1, max_size=30), st.integers(1, 100))
def test_without_new_acts_it_only_fades(told, hours):
    acts = acts_at([time for time, _ in told], [item for _, item in told])
    half_life, until = 50 * HOUR, int(acts.times[-1]) + 1
    fitted = Trending(half_life, until, recent_at(acts, np.array([until]), half_life)[0])
    now = until + hours * HOUR
    quiet = {length: np.zeros(3, np.float32) for length in WINDOWS}
    assert fitted.recent(quiet, now) == pytest.approx(recent_at(acts, np.array([now]), half_life)[0], rel=1e-5)


def test_what_came_since_counts_once_and_what_was_known_is_not_counted_again():
    before, half_life = acts_at([FIT - HOUR] * 4 + [FIT - 1], [0, 0, 0, 1, 2]), 100 * HOUR
    fitted = Trending(half_life, FIT, recent_at(before, np.array([FIT]), half_life)[0])
    now = FIT + 24 * HOUR
    since = np.linspace(FIT, now - 1, 480).astype(np.int64).tolist()
    both = acts_at([*before.times.tolist(), *since], [*before.items.tolist(), *([1] * 480)])
    exact = recent_at(both, np.array([now]), half_life)[0]
    assert fitted.recent(counted(both, now), now) == pytest.approx(exact, rel=0.01)


def test_just_after_the_fit_it_is_what_the_fit_saw():
    before, half_life = acts_at([FIT - HOUR, FIT - 1], [0, 2]), 10 * HOUR
    fitted = Trending.fit(before, None)
    assert fitted.recent(counted(before, fitted.until), fitted.until) == pytest.approx(fitted.base)
    assert Trending(half_life).recent(counted(before, FIT), FIT)[0] > 0, "without a fit the windows alone tell"


def test_an_item_that_came_since_counts_from_nothing():
    fitted = Trending(HOUR, FIT, np.ones(2, np.float32))
    windows = {length: np.array([0, 0, 4], np.float32) for length in WINDOWS}
    found = fitted.recent(windows, FIT + HOUR)
    assert found[:2].tolist() == [0.5, 0.5] and found[2] > 2


def test_it_comes_back_as_it_was_saved(tmp_path):
    fitted = Trending.fit(acts_at([1, 5, 9], [0, 0, 2]), None)
    fitted.save(tmp_path)
    found = Trending.load(tmp_path, None)
    assert (found.half_life, found.until, found.base.tolist()) == (fitted.half_life, fitted.until, fitted.base.tolist())
