"""What an update names is read; what cannot be read counts as not named, and never stops who reads it."""

import json
from datetime import UTC, datetime

import pyarrow as pa
import pytest

from catalog.live.item_states import ENDED, ITEM_STATES, KNOWN, STARTED, next_states
from catalog.schema import EVENTS

NOTHING = ITEM_STATES.empty_table()


def said(*events: tuple[str, int, object], item: str = "i", held: pa.Table = NOTHING) -> dict:
    """(type, position, attributes) each; what the item comes to."""
    rows = [
        {
            "event_id": f"{position}", "event_type": kind, "item_id": item, "event_time": position - 5,
            "arrived_at": position, "shard": 0, "log_position": position,
            "attributes": named if isinstance(named, str | None) else json.dumps(named),
        }
        for kind, position, named in events
    ]  # fmt: skip
    (state,) = next_states(held, pa.Table.from_pylist(rows, schema=EVENTS)).to_pylist()
    return state


TIME = int(datetime(2026, 3, 1, tzinfo=UTC).timestamp() * 1e6)


@pytest.mark.parametrize(("named", "column", "expected"), [
    ({"topics": ["a", None, "", "b"]}, "topics", ["a", "b"]), ({"topics": "a|b"}, "topics", ["a", "b"]),
    ({"topics": []}, "topics", None), ({"topics": ""}, "topics", None), ({"topics": 7}, "topics", None),
    ({"topics": [1, 2]}, "topics", ["1", "2"]), ({"topics": [["x"]]}, "topics", ['["x"]']),
    ({"creator_id": ""}, "creator_id", None), ({"creator_id": 12}, "creator_id", "12"),
    ({"year": "1999"}, "year", 1999), ({"year": "soon"}, "year", None), ({"year": 10**30}, "year", None),
    ({"duration_ms": {"a": 1}}, "duration_ms", None),
    ({"available_from": "2026-03-01T00:00:00Z"}, "available_from", TIME),
    ({"available_from": "2026-03-01"}, "available_from", TIME), ({"available_from": TIME}, "available_from", TIME),
    ({"available_from": TIME // 1_000}, "available_from", TIME),
    ({"available_from": TIME * 1_000}, "available_from", TIME),
    ({"available_from": TIME // 1_000_000}, "available_from", TIME),
    ({"available_from": "infinity"}, "available_from", None),
    ({"available_from": "-infinity"}, "available_from", None), ({"available_from": 1e300}, "available_from", None),
    ({"available_from": "NaN"}, "available_from", None), ({"available_from": [1]}, "available_from", None),
    ("{bad", "creator_id", None), ("[1]", "creator_id", None), ("null", "topics", None), (None, "title", None),
])  # fmt: skip
def test_what_an_update_names(named, column, expected):
    assert said(("item_update", 100, named))[column] == expected


def test_what_is_not_named_stays_and_the_last_word_counts():
    state = said(
        ("item_start", 10, {"creator_id": "c", "year": 1}), ("item_update", 20, {"year": 2}), ("item_update", 30, {})
    )
    assert (state["creator_id"], state["year"], state["available_from"]) == ("c", 2, 5)
    assert (state["position"], state["event_us"], state["created_us"], state["status"]) == (30, 25, 30, STARTED)


def test_an_end_holds_until_the_next_start_which_opens_anew():
    ended = said(("item_start", 10, {"available_until": TIME}), ("item_update", 15, {}), ("item_end", 20, None))
    assert (ended["status"], ended["ended_a"], ended["ended_e"], ended["created_us"]) == (ENDED, 20, 15, 15)
    held = pa.Table.from_pylist([ended], schema=ITEM_STATES)
    again = said(("item_start", 30, None), held=held)
    assert (again["status"], again["available_from"], again["available_until"]) == (STARTED, 25, None)
    assert said(("item_update", 30, {"year": 1}), held=held)["status"] == ENDED


def test_events_that_a_row_contains_already_change_nothing():
    events = [("item_start", 10, {"year": 1}), ("item_end", 20, None), ("item_update", 30, {"year": 3})]
    whole = said(*events)
    for cut in range(4):
        held = NOTHING if not cut else pa.Table.from_pylist([said(*events[:cut])], schema=ITEM_STATES)
        assert said(*events, held=held) == whole


def test_an_update_alone_puts_nothing_on_air():
    assert said(("item_update", 10, {"year": 1}))["status"] == KNOWN
