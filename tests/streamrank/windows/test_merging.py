"""Batches merged into tiles on a real server, held against a count of every single event."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from servers import cluster_of_six
from windowed_cases import COLUMNS, KEYS, batches, check, event, ranges, whole_view
from windowed_views import SECOND, Tiles, connected
from windows_reference import Event

from streamrank.events.shards import NEVER, SHARDS
from streamrank.stores.connection import ConnectionOptions, connect
from streamrank.windows.errors import Overflow, TornKey
from streamrank.windows.finishing import applied, finish
from streamrank.windows.merging import Merged

prefixes = (b"test_merging:%d:" % number for number in itertools.count())


@pytest.fixture(scope="module")
def connection(redis_server: str):
    found = connected(redis_server)
    yield found
    found.close()


@pytest.fixture(scope="module")
def view():
    return whole_view()


@pytest.fixture
def tiles(connection, view) -> Tiles:
    return Tiles(connection, view, COLUMNS, next(prefixes))


def events_of(times: st.SearchStrategy[int], shards: int = 3) -> st.SearchStrategy[list[Event]]:
    """In the order of arrival, with positions that increase in each shard, a minute behind the times at first."""
    whole, real = st.integers(-50, 50), st.floats(-9, 9, width=32)
    values = st.fixed_dictionaries({
        "views": st.none() | whole, "price": st.none() | whole.map(lambda cents: cents / 100 * 3),
        "score": st.none() | real.map(lambda number: number + 0.0), "seen": st.none() | st.just(1),
    })  # fmt: skip
    one = st.tuples(st.sampled_from(KEYS[:2]), st.integers(0, shards - 1), times, values)
    return st.lists(one, max_size=25).map(
        lambda rows: [Event(key, shard, time, 60 * SECOND + n, held) for n, (key, shard, time, held) in enumerate(rows)]
    )


late = st.integers(0, 40 * SECOND)


@settings(max_examples=80, deadline=None)
@given(events=events_of(late), cuts=st.lists(st.integers(0, 30), max_size=4), after=st.integers(0, 15 * SECOND))
def test_windows_at_any_time_after_equal_a_count_of_every_event(connection, view, events, cuts, after):
    tiles = Tiles(connection, view, COLUMNS, next(prefixes))
    for batch in batches(events, cuts):
        tiles.merge(batch, *ranges(batch))
    check(tiles, events, max((event.time_us for event in events), default=0) + after)


@settings(max_examples=40, deadline=None)
@given(events=events_of(late), cuts=st.lists(st.integers(0, 30), max_size=4), data=st.data())
def test_batches_merged_again_in_any_grouping_of_shards_change_nothing(connection, view, events, cuts, data):
    """As a new owner of some of the shards finishes what the one before it may have done for some keys."""
    tiles = Tiles(connection, view, COLUMNS, next(prefixes))
    for batch in batches(events, cuts):
        firsts, lasts = ranges(batch)
        done = data.draw(st.sets(st.sampled_from(KEYS)), label="keys merged before the crash")
        tiles.merge([event for event in batch if event.key in done], firsts, lasts)
        for share in data.draw(st.permutations([{0}, {1, 2}]) | st.permutations([{0, 1}, {2}]), label="new owners"):
            own = [event for event in batch if event.shard in share]
            tiles.merge(own, *ranges(own))
        before = tiles.values(KEYS)
        again = tiles.merge(batch, firsts, lasts)
        held = {event.key for event in batch if any(value is not None for value in event.values.values())}
        assert again == Merged(0, len(held))
        assert tiles.values(KEYS) == before
    check(tiles, events, 40 * SECOND)


def test_a_batch_completes_keys_that_hold_some_of_its_shards(tiles):
    early, late = event("a", 0, 5, 100), event("a", 1, 6, 100)
    assert tiles.merge([early], {0: 100}, {0: 100}) == Merged(1, 0)
    merged = tiles.merge([early, late, event("b", 1, 6, 100)], {0: 100, 1: 100}, {0: 100, 1: 100})
    assert merged == Merged(merged=2, skipped=1)
    check(tiles, [early, late, event("b", 1, 6, 100)], 10 * SECOND)


def test_a_key_that_holds_a_part_of_a_range_is_an_error_and_stays_as_it_is(tiles):
    tiles.merge([event("a", 3, 5, 10)], {3: 1}, {3: 10})
    before = tiles.values(["a"])
    with pytest.raises(TornKey, match=r"view 'live', key b's.*a'.*rebuild"):
        tiles.merge([event("a", 3, 5, 12), event("b", 3, 5, 12)], {3: 8}, {3: 12})
    assert tiles.values(["a"]) == before
    assert tiles.values(["b"]).null_count == 0


def test_a_key_that_a_batch_does_not_touch_may_lag_behind(tiles):
    tiles.merge([event("a", 3, 5, 10)], {3: 1}, {3: 10})
    tiles.merge([event("b", 3, 5, 12)], {3: 11}, {3: 20})
    assert tiles.merge([event("a", 3, 5, 30)], {3: 21}, {3: 30}) == Merged(1, 0)
    positions = applied(tiles.values(["a", "b", "c"]))
    assert positions.shape == (3, SHARDS)
    assert positions[:, 3].tolist() == [30, 20, NEVER]
    assert (np.delete(positions, 3, axis=1) == NEVER).all()


@pytest.mark.parametrize("sign", [1, -1])
def test_a_sum_beyond_what_is_exact_is_an_error_and_the_key_stays_as_it_is(tiles, sign):
    tiles.merge([event("a", 0, 5, 1, views=sign * (2**53 - 2))], {0: 1}, {0: 1})
    tiles.merge([event("a", 0, 5, 2, views=sign)], {0: 2}, {0: 2})
    check(tiles, [event("a", 0, 5, 1, views=sign * (2**53 - 1))], 5 * SECOND, only="sum_views")
    before = tiles.values(["a"])
    with pytest.raises(Overflow, match=r"view 'live', key b's.*a'.*scale"):
        tiles.merge([event("a", 0, 5, 3, views=sign)], {0: 3}, {0: 3})
    assert tiles.values(["a"]) == before


def test_a_batch_that_is_not_exact_in_itself_is_an_error(tiles):
    for values in ([2**53], [2**53 - 1, 1], [2**53 - 1] * 1_100):
        batch = [event("a", 0, 5, n, views=value) for n, value in enumerate(values, start=1)]
        with pytest.raises(Overflow, match="views"):
            tiles.merge(batch, {0: 1}, {0: len(values)})
    assert tiles.values(["a"]).null_count == 1


def test_an_event_of_a_clock_ahead_does_not_evict_a_tile_that_is_still_inside(tiles):
    own = [event("a", 0, 2, 1, views=1), event("a", 0, 6, 2, views=5)]  # the next second, seen at second 5
    tiles.merge(own, {0: 1}, {0: 2})
    check(tiles, own, 5 * SECOND)


def test_an_event_too_old_for_one_window_counts_in_longer_ones(tiles):
    own = [event("a", 0, 38, 1, views=1), event("a", 0, 30, 2, views=3), event("a", 0, 1, 3, views=7)]
    for number, one in enumerate(own, start=1):
        tiles.merge([one], {0: number}, {0: number})
    check(tiles, own, 39 * SECOND)
    assert finish(tiles.view, tiles.values(["a"]), ["sum_views_None_None"], 39 * SECOND) == 11


def test_a_cluster_merges_as_one_server_does(view, tmp_path):
    rng = np.random.default_rng(3)
    own = [
        event(f"k{rng.integers(40)}", int(rng.integers(16)), int(rng.integers(40)), n, views=int(rng.integers(9)))
        for n in range(1, 600)
    ]
    with cluster_of_six(tmp_path) as cluster:
        connection = connect(ConnectionOptions.parse(cluster.connection_string, "redis_cluster", "unused"))
        tiles = Tiles(connection, view, COLUMNS, b"cluster:")
        for batch in (own[:300], own[300:]):
            merged = tiles.merge(batch, *ranges(batch))
            assert merged.merged == len({one.key for one in batch})
            assert tiles.merge(batch, *ranges(batch)) == Merged(0, merged.merged)
        check(tiles, own, 42 * SECOND, keys=[f"k{n}" for n in range(41)])
        with pytest.raises(TornKey):
            tiles.merge([event("k1", 0, 5, 10_000)], {0: 2}, {0: 10_000})
        connection.close()
