from datetime import UTC, datetime

import pyarrow as pa
import pytest
from histories import event_table
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.schema import EVENT_TYPES
from streamrank.events.log import EventLog
from validation.events import GIVEN, admit, counts_by_kind

NOW = 1_709_294_400_000_000  # 2024-03-01T12:00:00Z
MINUTE = 60_000_000


def _admit(*rows: dict, logged=()):
    names = {name: None for row in rows for name in row}
    offered = pa.table({name: [row.get(name) for row in rows] for name in names})
    return admit(offered, logged, NOW, MINUTE)


def _view(**more) -> dict:
    return {"event_time": NOW - 1, "user_id": "7", **more}


def _instant(micros: int) -> datetime:
    return datetime.fromtimestamp(micros / 1e6, UTC)


def test_a_key_and_a_time_are_enough_for_a_view():
    found = _admit(_view())
    assert len(found.bad) == 0
    assert found.good.schema == GIVEN
    event = found.good.to_pylist()[0]
    given = {name: value for name, value in event.items() if value is not None and name != "event_id"}
    time = _instant(NOW - 1)
    assert given == {"event_time": time, "arrived_at": time, "event_type": "view", "user_id": "7"}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"event_type": "wiev"}, "unknown event_type: wiev"),
        ({"user_id": None}, "null key: neither user_id nor item_id"),
        ({"user_id": " "}, "null key: neither user_id nor item_id"),
        ({"event_time": None}, "null time: no event_time"),
        ({"event_time": NOW + MINUTE + 1}, "time in the future: 2024-03-01T12:01:00Z"),
        ({"arrived_at": NOW + MINUTE + 1}, "time in the future: 2024-03-01T12:01:00Z"),
        ({"arrived_at": NOW - MINUTE - 2}, "time in the future: 2024-03-01T11:59:59Z"),
        ({"event_time": -1}, "time before 1970: 1969-12-31T23:59:59Z"),
        ({"watch_ms": -1}, "negative watch_ms: -1"),
        ({"duration_ms": -1}, "negative duration_ms: -1"),
        ({"watch_ms": 10**12}, "watch_ms too large: 1000000000000"),
        ({"value": float("inf")}, "value out of range: inf"),
        ({"attributes": "[1]"}, "attributes no JSON object: [1]"),
        ({"attributes": '{"a"; 1'}, 'attributes no JSON object: {"a", 1'),
        ({"event_type": "item_update", "item_id": "m"}, "attributes no JSON object: nothing"),
        ({"event_type": "item_update", "attributes": "{}"}, "null key: no item_id"),
        ({"event_type": "user_update", "attributes": "{}", "user_id": None, "item_id": "m"}, "null key: no user_id"),
        ({"watch_ms": "abc"}, "unreadable value: watch_ms: expected an integer, found 'abc'"),
    ],
)
def test_what_must_not_enter_is_turned_away_with_its_reason(change, reason):
    found = _admit(_view(**change))
    assert len(found.good) == 0
    assert found.bad["reason"].to_pylist() == [reason]


def test_a_row_may_have_several_reasons_and_keeps_its_own_values():
    found = _admit(
        _view(event_time="2024-03-01", watch_ms="5"), {"event_time": "soon", "watch_ms": "-5", "mood": "bad"}
    )
    assert found.bad.to_pylist() == [{
        "event_time": "soon", "user_id": None, "watch_ms": "-5", "mood": "bad", "row": 1,
        "reason": "null key: neither user_id nor item_id; null time: no event_time; negative watch_ms: -5; "
        "unreadable value: event_time: expected a time, found 'soon'",
    }]  # fmt: skip
    assert counts_by_kind(found.bad["reason"]) == {
        "negative watch_ms": 1, "null key": 1, "null time": 1, "unreadable value": 1,
    }  # fmt: skip


def test_a_time_ahead_by_no_more_than_the_tolerance_is_read_as_the_arrival():
    ahead = _admit(_view(event_time=NOW + MINUTE), _view(event_time=NOW, arrived_at=NOW - MINUTE)).good
    assert ahead["event_time"].to_pylist() == [_instant(NOW), _instant(NOW - MINUTE)]
    assert ahead["arrived_at"].to_pylist() == [_instant(NOW), _instant(NOW - MINUTE)]


def test_of_equal_event_ids_the_first_sound_one_enters():
    found = _admit(_view(event_id="a", watch_ms=-1), _view(event_id="a", watch_ms=2), _view(event_id="a", watch_ms=3))
    assert found.good["watch_ms"].to_pylist() == [2]
    assert found.bad["reason"].to_pylist() == [
        "negative watch_ms: -1",
        "duplicate event_id: a stands in an earlier row",
    ]


def test_an_event_id_of_the_log_is_turned_away(tmp_path):
    log = EventLog(tmp_path / "it's a log")
    log.append(event_table([{"event_id": "a", "event_time": 1, "event_type": "view"}]), "load", 1)
    found = _admit(_view(event_id="b"), _view(event_id="a"), logged=log.files())
    assert found.good["event_id"].to_pylist() == ["b"]
    assert found.bad["reason"].to_pylist() == ["duplicate event_id: a is in the log"]


def test_ids_made_of_the_content_are_the_same_for_the_same_rows_and_part_equal_ones():
    rows = [_view(), _view(watch_ms=3), _view()]
    first, again = (_admit(*rows).good["event_id"].to_pylist() for _ in range(2))
    assert first == again
    assert len(set(first)) == 3
    grown = _admit(*rows, _view(), _view(watch_ms=4)).good["event_id"].to_pylist()
    assert grown[:3] == first
    assert len(set(grown)) == 5


def test_ids_made_of_the_content_do_not_depend_on_how_it_was_written():
    typed = pa.table({"event_time": [NOW - 1], "user_id": [7], "topics": [["a", "b"]], "value": [4.0]})
    text = pa.table({"value": ["4"], "topics": ["a|b"], "user_id": ["7"], "event_time": ["2024-03-01 11:59:59.999999"]})
    one, other = (admit(rows, [], NOW, MINUTE).good["event_id"].to_pylist() for rows in (typed, text))
    assert one == other


def test_no_rows_are_fine():
    found = admit(pa.table({"user_id": pa.array([], pa.string()), "event_time": pa.array([], pa.int64())}), [], NOW, 0)
    assert (len(found.good), len(found.bad)) == (0, 0)


rows = st.fixed_dictionaries({
    "event_id": st.sampled_from([None, "a", "b", "c"]),
    "user_id": st.sampled_from([None, "", "7", "8"]),
    "item_id": st.sampled_from([None, "m"]),
    "event_time": st.sampled_from([None, "x", str(NOW - 1), str(NOW), str(NOW + MINUTE), str(NOW + MINUTE + 1)]),
    "event_type": st.sampled_from([None, "view", "like", "zap", "item_update"]),
    "watch_ms": st.sampled_from([None, "", "0", "-1", "5", "abc"]),
    "attributes": st.sampled_from([None, "{}", "[]", "{"]),
})  # fmt: skip


def _sound(row: dict) -> bool:
    key = row["item_id"] if row["event_type"] == "item_update" else row["user_id"] or row["item_id"]
    told = row["attributes"] == "{}" or (row["attributes"] is None and row["event_type"] != "item_update")
    in_time = row["event_time"] in (str(NOW - 1), str(NOW), str(NOW + MINUTE))
    return bool(key) and told and in_time and row["event_type"] != "zap" and row["watch_ms"] not in ("-1", "abc")


@settings(max_examples=25, deadline=None)
@given(st.lists(rows, min_size=1, max_size=12))
def test_sound_rows_enter_once_broken_ones_do_not_and_none_is_lost(offered):
    # Enough sound rows that the column's unit of time is never in doubt.
    sure = dict.fromkeys(offered[0]) | _view(event_time=str(NOW - 1))
    offered = offered + [sure | {"event_id": f"sure{number}"} for number in range(15)]
    found = _admit(*offered)
    expected, seen = [], set()
    for place, row in enumerate(offered):
        if _sound(row) and row["event_id"] not in seen:
            expected.append(place)
            seen |= {row["event_id"]} - {None}
    turned_away = found.bad["row"].to_pylist()
    assert sorted(set(range(len(offered))) - set(turned_away)) == expected
    assert len(found.good) == len(expected)
    assert len(found.good) + len(found.bad) == len(offered)
    assert all(found.bad["reason"].to_pylist())
    assert set(found.good["event_type"].to_pylist()) <= set(EVENT_TYPES)
    assert len(set(found.good["event_id"].to_pylist())) == len(found.good)
