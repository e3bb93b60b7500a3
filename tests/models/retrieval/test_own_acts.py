"""Sources that look at one viewer's own acts and at what the catalogue tells: unfinished, followed, new, proposed."""

import numpy as np
import pyarrow as pa
import pytest
import tastes

from catalog.schema import ITEMS as SCHEMA
from models.items import Items
from models.retrieval.continue_watching import ContinueWatching, next_episodes
from models.retrieval.followed import Followed
from models.retrieval.fresh import HALF_LIFE, OLDEST, Fresh
from models.retrieval.precomputed import FRESH, Precomputed, candidates
from models.retrieval.source import StepsAside
from models.retrieval.trending import Trending
from models.retrieval.watched_now import WatchedNow
from models.viewer import Moment, Viewer
from streamrank.clock import DAY

NOW = tastes.NOW
ALL = np.ones(6, bool)
ACTS = tastes.of([0, 1, 1], [0, 1, 2], [1, 2, 3], 2, 6)
UNKNOWN = np.iinfo(np.int64).min


def items(**columns: list) -> Items:
    """Six items with these columns."""
    rows = [{"item_id": f"i{place}"} | {name: values[place] for name, values in columns.items()} for place in range(6)]
    return Items(pa.Table.from_pylist(rows, SCHEMA))


def moment(begins=(UNKNOWN,) * 6, recent=(0,) * 6, watching=(np.nan,) * 6) -> Moment:
    floats = (np.array(values, np.float32) for values in (recent, watching))
    return Moment(NOW, ALL, np.array(begins, np.int64), *floats)


def watched(**shares: float) -> Viewer:
    """A viewer who watched such shares of items, i0=0.5 and so on, the first named first."""
    places, count = np.array([int(name[1:]) for name in shares], np.int64), len(shares)
    told = np.array(list(shares.values()), np.float32)
    return Viewer("u", places, NOW - DAY + np.arange(count), np.ones(count, np.float32), told, told * np.nan)


SERIES = items(
    series_id=["s", "s", "s", None, "t", "t"], season=[1, 1, 2, None, None, None], episode=[1, 2, 1, None, 7, 9]
)


def test_what_was_begun_and_not_finished_the_latest_first():
    found = ContinueWatching(next_episodes(items())).find(watched(i0=0.5, i1=0.95, i2=0.01, i3=0.3), moment(), ALL, 9)
    assert found.places.tolist() == [3, 0]


def test_the_last_act_tells_whether_it_was_finished():
    twice = Viewer("u", np.array([2, 2]), np.array([1, 2]), np.ones(2, np.float32), np.array([0.4, 1.0], np.float32))
    assert len(ContinueWatching(next_episodes(items())).find(twice, moment(), ALL, 9).places) == 0


def test_the_next_episode_follows_one_that_was_finished_across_seasons():
    assert next_episodes(SERIES).tolist() == [1, 2, -1, -1, 5, -1]
    source = ContinueWatching.fit(ACTS, SERIES)
    assert source.find(watched(i1=0.95), moment(), ALL, 9).places.tolist() == [2]
    assert source.find(watched(i4=np.nan), moment(), ALL, 9).places.tolist() == [5], "nobody knows: it counts as done"
    assert source.find(watched(i0=0.4), moment(), ALL, 9).places.tolist() == [0], "the same one first"
    assert len(source.find(watched(i4=1.0, i5=1.0), moment(), ALL, 9).places) == 0, "they came to the next one already"


def test_without_shares_or_series_there_is_nothing_to_continue():
    with pytest.raises(StepsAside, match="how much of an item was watched, or episodes of series; there is neither"):
        ContinueWatching.fit(ACTS, items())


CREATORS = items(creator_id=["a", "a", "b", "b", None, "c"])


def test_followed_creators_come_before_those_watched_and_others_not_at_all():
    source = Followed.fit(ACTS, CREATORS)
    viewer = Viewer("u", np.array([0]), np.array([1]), np.ones(1, np.float32), followed=("b", "unknown"))
    found = source.find(viewer, moment(recent=[0, 1, 0, 5, 9, 9]), ALL, 9)
    assert found.places.tolist() == [3, 2, 1, 0]
    assert np.isnan(found.of(np.array([4, 5]))).all()


def test_what_was_watched_long_ago_counts_less():
    source = Followed.fit(ACTS, CREATORS)
    viewer = Viewer("u", np.array([2, 0]), np.array([1, 2]), np.ones(2, np.float32))
    assert source.find(viewer, moment(), ALL, 9).places.tolist() == [0, 1, 2, 3]


def test_a_creator_of_one_item_tells_nothing_more():
    with pytest.raises(StepsAside, match="followed: needs creators of at least two items"):
        Followed.fit(ACTS, items(creator_id=["a", "b", "c", "d", None, None]))


def test_new_items_the_newest_first_and_old_or_future_ones_not():
    source = Fresh.fit(ACTS, items(available_from=[1] * 6))
    begins = [NOW - DAY, NOW - 1, NOW - OLDEST - 1, NOW + 1, UNKNOWN, NOW - HALF_LIFE]
    found = source.find(Viewer(), moment(begins), ALL, 9)
    assert found.places.tolist() == [1, 0, 5]
    np.testing.assert_allclose(found.scores, [1, 0.5**0.5, 0.5], rtol=1e-5)


def test_of_equally_new_items_those_of_the_viewers_topics_come_first():
    topics = [["x"], ["y"], ["y", "x"], ["z"], None, ["y"]]
    source = Fresh.fit(ACTS, items(available_from=[1] * 6, topics=topics))
    watcher = Viewer("u", np.array([5]), np.array([1]), np.ones(1, np.float32))
    for viewer in (watcher, Viewer(topics=("y",)), Viewer(picked=np.array([5]))):
        assert source.find(viewer, moment([NOW - DAY] * 6), ALL, 3).places.tolist() == [1, 2, 5]


def test_what_many_watch_lately_and_now():
    found = Trending(1.0).find(Viewer(), moment(recent=[0, 3, 1, 0, 0, 2]), ALL, 9)
    assert found.places.tolist() == [1, 5, 2]
    found = WatchedNow().find(Viewer(), moment(watching=[np.nan, 4, 0, np.nan, 9, 1]), ALL, 9)
    assert found.places.tolist() == [4, 1, 5]


@pytest.mark.parametrize(("age", "used"), [(0, True), (FRESH - 1, True), (FRESH, False), (-1, False)])
def test_what_a_nightly_run_found_is_used_while_it_is_fresh(age, used):
    scores = np.array([1, 0.5], np.float32)
    viewer = Viewer("u", proposed=np.array([4, 2]), proposed_scores=scores, proposed_at=NOW - age)
    found = Precomputed().find(viewer, moment(), ALL, 9)
    assert found.places.tolist() == ([4, 2] if used else [])
    assert found.of(np.array([2]))[0] == 0.5 if used else np.isnan(found.of(np.array([2]))[0])


def test_the_nightly_run_finds_what_the_sources_agree_on_and_nothing_that_is_hidden():
    sources = [Trending(1.0), WatchedNow(), Precomputed()]
    now = moment(recent=[5, 4, 3, 2, 1, 0], watching=[0, 9, 8, 0, 0, 0])
    viewers = [Viewer("u"), Viewer("v", hidden=np.array([1, 77]), proposed=np.array([5]), proposed_at=NOW)]
    (user, places, scores), (other, second, _) = candidates(sources, viewers, now, most=3)
    assert (user, other) == ("u", "v")
    assert sorted(places.tolist()) == [0, 1, 2] and places[0] == 1 and scores.tolist() == [1, 0.5, np.float32(1 / 3)]
    assert 1 not in second and 5 not in second, "what it found itself last night is not evidence"
