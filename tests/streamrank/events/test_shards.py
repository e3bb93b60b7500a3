import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from streamrank.events.shards import NEVER, SHARDS, shard_of, shards_of, stamp

arrivals = st.lists(st.tuples(st.integers(0, 40), st.integers(0, SHARDS - 1)), max_size=60)
lasts = st.lists(st.one_of(st.just(NEVER), st.integers(0, 40)), min_size=SHARDS, max_size=SHARDS)


def _stamped(events, last):
    times = np.array([time for time, _ in events], dtype=np.int64)
    shards = np.array([shard for _, shard in events], dtype=np.int32)
    return stamp(times, shards, np.array(last, dtype=np.int64)).tolist()


@given(arrivals, lasts)
def test_a_position_is_the_arrival_or_one_microsecond_behind_the_last_of_its_shard(events, last):
    expected, latest = [], list(last)
    for time, shard in events:
        latest[shard] = max(time, latest[shard] + 1)
        expected.append(latest[shard])
    assert _stamped(events, last) == expected


@given(arrivals, lasts, st.data())
def test_stamping_in_two_goes_gives_the_same_positions_as_in_one(events, last, data):
    cut = data.draw(st.integers(0, len(events)))
    first = _stamped(events[:cut], last)
    between = list(last)
    for (_, shard), position in zip(events[:cut], first, strict=True):
        between[shard] = position
    assert first + _stamped(events[cut:], between) == _stamped(events, last)


@given(st.lists(st.text(max_size=20), max_size=20))
def test_shards_of_a_column_are_those_of_its_keys_one_by_one(keys):
    assert shards_of(pa.array(keys, pa.string())).tolist() == [shard_of(key) for key in keys]


def test_shards_never_change():
    # Positions already in a log depend on them, and other processes compute them for themselves.
    assert [shard_of(key) for key in ("7", "42", "anna", "émile", "")] == [10, 8, 9, 14, 9]


def test_every_shard_is_used():
    assert set(shards_of(pa.array([str(number) for number in range(1_000)])).tolist()) == set(range(SHARDS))
