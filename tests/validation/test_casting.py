import datetime as dt

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.schema import EVENTS
from validation.casting import cast

NOON = dt.datetime(2024, 3, 1, 12, 0, 0, 250_000, dt.UTC)
MICROS = 1_709_294_400_250_000


def _times(column: pa.Array) -> list:
    found = cast(pa.table({"event_time": column}), EVENTS)
    assert found["faults"].to_pylist() == [[]] * len(column)
    return found["event_time"].to_pylist()


@pytest.mark.parametrize(
    "column",
    [
        pa.array(["2024-03-01T12:00:00.25Z"]),
        pa.array(["2024-03-01 12:00:00.250"]),
        pa.array(["2024-03-01T20:00:00.25+08:00"]),
        pa.array(["1709294400.25"]),
        pa.array(["1709294400250"]),
        pa.array([MICROS / 1e6]),
        pa.array([MICROS // 1_000]),
        pa.array([MICROS]),
        pa.array([MICROS * 1_000 + 999]),
        pa.array([MICROS], pa.timestamp("us")),
        pa.array([MICROS * 1_000 + 999], pa.timestamp("ns")),
        pa.array([MICROS // 1_000], pa.timestamp("ms", "Asia/Shanghai")),
        pa.array(["2024-03-01T12:00:00.25Z"]).dictionary_encode(),
    ],
)
def test_a_time_is_read_in_every_usual_form_and_without_a_zone_as_utc(column):
    assert _times(column) == [NOON]


def test_seconds_and_dates_are_times():
    assert _times(pa.array([0, 1_709_294_400]))[1] == NOON.replace(microsecond=0)
    assert _times(pa.array([dt.date(2024, 3, 1)])) == [NOON.replace(hour=0, microsecond=0)]


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(0, 4_102_444_800_000_000), min_size=1, max_size=5))
def test_integer_microseconds_come_through_whole(instants):
    column = pa.array([*instants, *[MICROS] * 6])
    assert (
        cast(pa.table({"event_time": column}), EVENTS)["event_time"].cast(pa.int64()).to_pylist() == column.to_pylist()
    )


def test_the_unit_is_one_for_the_column_so_a_stray_value_is_not_read_in_its_own():
    assert _times(pa.array([MICROS // 1_000] * 3 + [0, 5]))[3:] == [
        dt.datetime(1970, 1, 1, tzinfo=dt.UTC),
        dt.datetime(1970, 1, 1, 0, 0, 0, 5_000, dt.UTC),
    ]


@pytest.mark.parametrize(
    "column", [pa.array([7.0, None]), pa.array([7, None]), pa.array([" 7", ""]), pa.array(["7", None])]
)
def test_ids_are_text_whatever_a_missing_value_made_of_them(column):
    assert cast(pa.table({"user_id": column}), EVENTS)["user_id"].to_pylist() == ["7", None]


@pytest.mark.parametrize(
    "column",
    [
        pa.array(["a| b", "", None]),
        pa.array([["a", " b", None], [], None]),
        pa.array([["a", "b"], [""], None], pa.large_list(pa.large_string())),
    ],
)
def test_topics_are_a_list_or_parted_by_bars(column):
    assert cast(pa.table({"topics": column}), EVENTS)["topics"].to_pylist() == [["a", "b"], None, None]


def test_a_structure_of_attributes_becomes_its_json():
    rows = pa.table({"attributes": [{"creator_id": "c", "topics": ["x"]}, None]})
    assert cast(rows, EVENTS)["attributes"].to_pylist() == ['{"creator_id":"c","topics":["x"]}', None]


def test_a_value_that_cannot_be_cast_is_named_with_its_column_and_costs_no_other():
    rows = pa.table({
        "event_time": ["2024-03-01", "yesterday", "infinity"],
        "watch_ms": ["12", "abc", "1e99"],
        "slot": ["99999999999", "3.0", "nan"],
        "value": ["4.5", "", "4,5"],
    })  # fmt: skip
    found = cast(rows, EVENTS)
    assert found["faults"].to_pylist() == [
        ["slot: expected an integer, found '99999999999'"],
        ["event_time: expected a time, found 'yesterday'", "watch_ms: expected an integer, found 'abc'"],
        [
            "event_time: expected a time, found 'infinity'",
            "watch_ms: expected an integer, found '1e99'",
            "value: expected a number, found '4,5'",
        ],
    ]
    assert found["watch_ms"].to_pylist() == [12, None, None]
    assert found["slot"].to_pylist() == [None, 3, None]
    assert found["value"].to_pylist() == [4.5, None, None]


@settings(deadline=None, max_examples=40)
@given(st.lists(st.text(max_size=25), min_size=1, max_size=8))
def test_any_text_is_cast_or_named_and_nothing_else_happens(texts):
    names = ["event_time", "watch_ms", "slot", "value", "topics", "user_id", "attributes"]
    found = cast(pa.table(dict.fromkeys(names, texts)), EVENTS)
    assert found.column_names == [*EVENTS.names, "faults"]
    faults = found["faults"].to_pylist()
    for name in ("event_time", "watch_ms", "slot", "value"):
        for text, value, named in zip(texts, found[name].to_pylist(), faults, strict=True):
            assert value is not None or text.strip().lower() in ("", "nan") or any(f.startswith(name) for f in named)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.one_of(st.floats(), st.none()), min_size=1, max_size=8))
def test_any_number_is_cast_or_named(numbers):
    found = cast(
        pa.table({name: pa.array(numbers, pa.float64()) for name in ("event_time", "watch_ms", "value")}), EVENTS
    )
    for number, time, named in zip(numbers, found["event_time"].to_pylist(), found["faults"].to_pylist(), strict=True):
        missing = number is None or number != number
        assert (time is not None) or missing or any(fault.startswith("event_time") for fault in named)


def test_no_rows_and_no_columns_are_fine():
    assert cast(pa.table({"user_id": pa.array([], pa.string())}), EVENTS).num_rows == 0
    assert cast(pa.table({"other": [1, 2]}), EVENTS)["faults"].to_pylist() == [[], []]
