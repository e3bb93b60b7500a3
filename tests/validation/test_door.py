"""The door for events that arrive judges as the door for files does; tests/validation/test_events.py tells how."""

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.schema import PUBLISHED
from validation.door import admit_arriving
from validation.events import admit

NOW = 1_709_294_400_000_000  # 2024-03-01T12:00:00Z
MINUTE = 60_000_000

rows = st.fixed_dictionaries({
    "event_id": st.sampled_from([None, "a", "b"]),
    "user_id": st.sampled_from([None, "", "7", "u8"]),
    "item_id": st.sampled_from([None, "m"]),
    "event_time": st.sampled_from([None, "x", "1969-12-31T23:59:59Z", "2024-03-01T12:00:00Z", "2024-03-01T12:01:01Z"]),
    "event_type": st.sampled_from([
        None, "view", "zap", "item_update", "item_start", "item_end", "user_update", "viewer_enter", "viewer_ping",
    ]),
    "watch_ms": st.sampled_from([None, 0, -1, 5, 10**12]),
    "duration_ms": st.sampled_from([None, 0, -1, 10**12]),
    "value": st.sampled_from([None, 0.5, 1e9, -2e9, float("inf"), float("nan")]),
    "attributes": st.sampled_from([None, "{}", "[]", "{", '"a"', '{"title": "a; b"}']),
})  # fmt: skip


@settings(max_examples=15, deadline=None)
@given(st.lists(rows, min_size=1, max_size=20))
def test_both_doors_let_the_same_in_and_say_the_same_of_the_others(offered):
    table = pa.Table.from_pylist(offered)
    arriving, filed = admit_arriving(table, NOW, MINUTE), admit(table, [], NOW, MINUTE)
    again = pc.match_substring(filed.bad["reason"], "duplicate event_id")  # the bus says that of what arrives
    said = ["row", "reason"]
    assert arriving.bad.select(said) == filed.bad.filter(pc.invert(again)).select(said)
    duplicates = len(filed.bad.filter(again))
    assert len(arriving.good) == len(filed.good) + duplicates
    if not duplicates:
        assert arriving.good.drop_columns("event_time") == filed.good.select(PUBLISHED.names).cast(
            PUBLISHED
        ).drop_columns("event_time")


def _admit(*offered: dict, integer_ids=()):
    return admit_arriving(pa.Table.from_pylist(list(offered)), NOW, MINUTE, integer_ids)


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        ({"event_type": "viewer_enter", "user_id": "u"}, "null key: no user_id or no item_id"),
        ({"event_type": "viewer_leave", "item_id": "m"}, "null key: no user_id or no item_id"),
        ({"event_type": "item_start", "user_id": "u"}, "null key: no item_id"),
        ({"event_type": "item_end", "user_id": "u"}, "null key: no item_id"),
    ],
)
def test_what_changes_live_state_needs_all_of_its_keys(event, reason):
    assert _admit({"event_time": NOW, **event}).bad["reason"].to_pylist() == [reason]


def test_ids_of_a_data_set_of_integers_are_integers():
    events = [
        {"event_time": NOW, "user_id": user, "item_id": item} for user, item in (("7", "8"), ("x", "8"), ("7", "08"))
    ]
    found = _admit(*events, integer_ids=("user_id", "item_id"))
    assert found.good["user_id"].to_pylist() == ["7"]
    assert found.bad["reason"].to_pylist() == ["id no integer: user_id x", "id no integer: item_id 08"]
    assert len(_admit(*events).bad) == 0


def test_a_stamp_that_an_event_brings_counts_for_nothing():
    found = _admit({"event_time": NOW, "user_id": "u", "arrived_at": 5, "shard": 99, "log_position": -1})
    assert found.good.schema == PUBLISHED
    assert len(found.bad) == 0


def test_events_without_an_id_get_the_same_one_each_time():
    events = [{"event_time": NOW, "user_id": "u"}] * 2
    first, again = (_admit(*events).good["event_id"].to_pylist() for _ in range(2))
    assert first == again
    assert len(set(first)) == 2


def test_what_the_stream_makes_is_taken_from_no_producer():
    found = _admit(
        *({"event_type": kind, "event_time": NOW, "user_id": "u", "item_id": "i"} for kind in ("session", "view"))
    )
    assert found.good["event_type"].to_pylist() == ["view"]
    assert found.bad["reason"].to_pylist() == [
        "unknown event_type: session (the stream makes it of viewer_enter, viewer_ping and viewer_leave)"
    ]
