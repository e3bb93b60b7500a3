"""Batches merged into tiles on a real server, held against a count of every single event."""

import itertools
from collections import defaultdict

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from windowed_views import SECOND, Tiles, aggregation, connected, stream_view, windowed_view
from windows_reference import Event, Wanted, float32, value

from streamrank.events.shards import NEVER, SHARDS
from streamrank.windows.errors import Overflow, TornKey
from streamrank.windows.finishing import applied, finish
from streamrank.windows.merging import Merged

COLUMNS = {"views": pa.int64(), "price": pa.float64(), "score": pa.float64(), "seen": pa.int32()}
STEPS = {"price": 100}
WINDOWS = [(3 * SECOND, SECOND), (2 * SECOND, SECOND), (12 * SECOND, 4 * SECOND), (None, None)]
AGGREGATES = [
    ("count", "views"), ("sum", "views"), ("mean", "views"), ("sum", "price"), ("mean", "price"), ("min", "score"),
    ("max", "score"), ("last", "score"), ("count", "seen"), ("last", "views"),
]  # fmt: skip
WANTED = [
    Wanted(f"{function}_{column}_{window}_{slide}", function, column, window, slide, STEPS.get(column, 1))
    for window, slide in WINDOWS
    for function, column in AGGREGATES
]
NAMES = [wanted.name for wanted in WANTED]
KEYS = ["a", "b", "c"]
prefixes = (b"test_merging:%d:" % number for number in itertools.count())


@pytest.fixture(scope="module")
def connection(redis_server: str):
    found = connected(redis_server)
    yield found
    found.close()


@pytest.fixture(scope="module")
def view():
    declared = stream_view([aggregation(each) for each in WANTED], ", ".join(COLUMNS), scales={"price": 0.01})
    return windowed_view(declared)


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


def batches(events: list[Event], cuts: list[int]) -> list[list[Event]]:
    bounds = sorted({0, len(events), *(cut % (len(events) + 1) for cut in cuts)})
    return [events[start:stop] for start, stop in itertools.pairwise(bounds)]


def ranges(batch: list[Event]) -> tuple[dict[int, int], dict[int, int]]:
    """First and last position by shard."""
    positions = defaultdict(list)
    for event in batch:
        positions[event.shard].append(event.position)
    return {shard: min(own) for shard, own in positions.items()}, {shard: max(own) for shard, own in positions.items()}


def check(tiles: Tiles, events: list[Event], at_us: int) -> None:
    found = finish(tiles.view, tiles.values(KEYS), NAMES, at_us)
    expected = [[float32(value(events, key, wanted, at_us)) for wanted in WANTED] for key in KEYS]
    np.testing.assert_array_equal(found, np.array(expected, np.float32), err_msg=str(NAMES))


@settings(max_examples=80, deadline=None)
@given(events=events_of(late), cuts=st.lists(st.integers(0, 30), max_size=4), after=st.integers(0, 15 * SECOND))
def test_windows_at_any_time_after_equal_a_count_of_every_event(connection, view, events, cuts, after):
    tiles = Tiles(connection, view, COLUMNS, next(prefixes))
    for batch in batches(events, cuts):
        tiles.merge(batch, *ranges(batch))
    check(tiles, events, max((event.time_us for event in events), default=0) + after)
