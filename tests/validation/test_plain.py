"""Columns that are taken as they are mean what the full cast would have made of them."""

import datetime as dt

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from validation.casting import cast
from validation.events import GIVEN
from validation.plain import cast_plainly

NOW = 1_709_294_400_000_000  # 2024-03-01T12:00:00Z
texts = st.sampled_from(["a", "7", "007", " 7", "7 ", "\ta", "a\u00a0", "", " ", "null", "nan", "é|b", "1e3", "'", ";"])
times = st.sampled_from([
    "2024-03-01T12:00:00Z", "2024-03-01T12:00:00.123456Z", "2024-03-01 12:00:00+02:00", "2024-03-01T12:00:00",
    "2024-03-01", "2024-03-01T12:00:00.123456789Z", "soon", "1709294400", "infinity", "9999-12-31T23:59:59Z",
    "0001-01-01T00:00:00Z", " 2024-03-01T12:00:00Z",
])  # fmt: skip
epochs = st.sampled_from([0, -1, 1_709_294_400, NOW // 1_000, NOW, NOW * 1_000, 2**62, -(2**63), 2**63 - 1])
whole = st.sampled_from([0, -1, 5, 2**31 - 1, 2**31, -(2**31), 2**53, 2**53 + 1, 2**62])
number = st.sampled_from([0.0, -0.5, 1.5, float("nan"), float("inf"), 1e308])
lists = st.lists(st.sampled_from(["a", " b", "", "c|d", "é"]), max_size=3)


def column(values) -> st.SearchStrategy[list]:
    return st.lists(st.none() | values, min_size=3, max_size=3)


columns = {
    "event_id": column(texts) | column(whole),
    "event_time": column(times) | column(epochs) | column(st.sampled_from([dt.datetime(2024, 3, 1, tzinfo=dt.UTC)])),
    "user_id": column(texts) | column(whole) | column(number),
    "topics": column(lists) | column(texts) | column(st.lists(st.integers(0, 3), max_size=2)),
    "slot": column(whole) | column(texts) | column(number),
    "watch_ms": column(whole) | column(texts) | column(number) | column(st.booleans()),
    "value": column(number) | column(whole) | column(texts),
}


@settings(max_examples=60, deadline=None)
@given(st.fixed_dictionaries({}, optional=columns))
def test_both_casts_read_every_column_alike(offered):
    rows = pa.table({"surface": ["home"] * 3, **offered})
    plain, full = cast_plainly(rows, GIVEN), cast(rows, GIVEN)
    assert plain.schema == full.schema
    assert plain.to_pylist() == full.to_pylist()


def test_no_rows_are_read_too():
    rows = pa.table({"event_time": pa.array([], pa.string()), "slot": pa.array([], pa.int64())})
    assert cast_plainly(rows, GIVEN).schema == cast(rows, GIVEN).schema
