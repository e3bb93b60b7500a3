from datetime import UTC, date, datetime

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from catalog.shift import days_to_present, moved, moved_instant
from streamrank.clock import DAY

INSTANT = pa.timestamp("us", tz="UTC")
micros = st.integers(0, 4_000_000_000_000_000)


def _times(values) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(values, pa.int64()).cast(INSTANT)])


@given(st.lists(micros, min_size=1, max_size=5), micros)
def test_the_last_event_comes_into_the_day_before_now(times, now):
    last = max(times) + days_to_present(_times(times), now) * DAY
    assert now - DAY < last <= now


def test_no_events_are_not_moved():
    assert days_to_present(_times([]), 5 * DAY) == 0


def test_every_instant_moves_and_nothing_else():
    rows = pa.table({
        "at": _times([5, None]),
        "until": pa.array([DAY * 1_000, 1], pa.int64()).cast(pa.timestamp("ns")),
        "born": [date(2000, 1, 1), None],
        "n": [1, 2],
    })  # fmt: skip
    found = moved(rows, -2)
    assert found["at"].cast(pa.int64()).to_pylist() == [5 - 2 * DAY, None]
    assert found["until"].cast(pa.int64()).to_pylist() == [-DAY * 1_000, 1 - 2_000 * DAY]
    assert found.select(["born", "n"]).equals(rows.select(["born", "n"]))
    assert found.schema == rows.schema
    assert moved(rows, 0) is rows


def test_an_iso_instant_moves_with_them():
    assert moved_instant("2022-04-30T16:00:00+00:00", 2) == datetime(2022, 5, 2, 16, tzinfo=UTC).isoformat()
    assert moved_instant(None, 2) is None
