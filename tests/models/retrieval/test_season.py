import numpy as np
import pytest
import tastes

from models.retrieval.season import Season
from models.retrieval.source import StepsAside
from models.viewer import Viewer
from streamrank.clock import DAY

USERS, EACH = 100, 5


@pytest.fixture(scope="module")
def source():
    """Everybody acts within one day, on items of their season: 0 to 9 in the first half of a year, then 10 to 19."""
    who = np.repeat(np.arange(USERS), EACH)
    random = np.random.default_rng(1)
    what = random.integers(0, 10, len(who)) + 10 * (who >= USERS // 2)
    times = who * 4 * DAY + np.tile(np.arange(EACH), USERS) * DAY // EACH
    return Season.fit(tastes.of(who, what, times, USERS, 20), tastes.items(20))


def said(source, times, places):
    viewer = Viewer(items=np.zeros(len(times), np.int64), times=np.asarray(times, np.int64))
    return source.find(viewer, tastes.moment(20), np.ones(20, bool), 10).of(np.asarray(places))


def test_what_was_watched_when_the_viewer_was_there_is_above_0_and_what_came_later_below(source):
    early = said(source, [40 * DAY, 41 * DAY], [3, 13])
    late = said(source, [360 * DAY], [3, 13])
    assert early[0] > 0 > early[1] and late[1] > 0 > late[0]


def test_without_times_and_of_items_that_came_after_the_fit_it_says_nothing(source):
    assert np.isnan(said(source, [], [3])).all()
    assert np.isnan(said(source, [40 * DAY], [25])).all()


def test_what_is_saved_says_the_same(source, tmp_path):
    source.save(tmp_path)
    loaded = Season.load(tmp_path, tastes.items(20))
    np.testing.assert_array_equal(said(loaded, [9 * DAY], range(20)), said(source, [9 * DAY], range(20)))


def test_times_that_say_nothing_make_it_step_aside():
    acts = tastes.acts()
    flat = tastes.of(acts.users, acts.items, np.zeros(len(acts)), tastes.USERS, tastes.ITEMS)
    with pytest.raises(StepsAside, match="season: times tell"):
        Season.fit(flat, tastes.items())
