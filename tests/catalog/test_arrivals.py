import json

import pyarrow as pa
import pytest
from histories import event_table

from catalog.arrivals import filled, of_unknown_items, stamped
from catalog.schema import EVENTS, ITEMS
from streamrank.events.log import EventLog
from streamrank.events.shards import shard_of

ITEM = {"item_id": "m", "creator_id": "c", "topics": ["news"]}
KNOWN = pa.Table.from_pylist([ITEM], ITEMS)


@pytest.fixture
def log(tmp_path) -> EventLog:
    return EventLog(tmp_path / "events")


def _update(at: int, **attributes) -> dict:
    return {"event_time": at, "event_type": "item_update", "item_id": "m", "attributes": json.dumps(attributes)}


def _view(at: int, **more) -> dict:
    return {"event_time": at, "event_type": "view", "user_id": "7", "item_id": "m", **more}


def _known(events: pa.Table, items: pa.Table, log: EventLog) -> list[tuple]:
    found = filled(stamped(events, log), items, log.files()).to_pylist()
    return [(event["creator_id"], event["topics"]) for event in found if event["event_type"] == "view"]


def test_events_are_stamped_in_the_order_of_arrival_and_ties_keep_theirs(log):
    events = event_table([_view(5, event_id="b"), _view(5, event_id="a"), _view(3, event_id="c")])
    found = stamped(events, log)
    assert found.schema == EVENTS
    assert found["event_id"].to_pylist() == ["c", "b", "a"]
    assert found["log_position"].to_pylist() == [3, 5, 6]
    assert found["arrived_at"].cast(pa.int64()).to_pylist() == [3, 5, 6]
    assert found["event_time"].cast(pa.int64()).to_pylist() == [3, 5, 5]


def test_a_shard_is_the_users_and_without_a_user_the_items(log):
    found = stamped(event_table([_view(1), _view(2, user_id=None)]), log)
    assert found["shard"].to_pylist() == [shard_of("7"), shard_of("m")]


def test_what_comes_later_is_stamped_behind_what_the_log_holds(log):
    log.append(stamped(event_table([_view(100)]), log), "first", 1)
    assert stamped(event_table([_view(50), _view(60), _view(200)]), log)["log_position"].to_pylist() == [101, 102, 200]


def test_an_event_gets_what_the_items_file_says_whenever_it_arrived(log):
    assert _known(event_table([_view(1)]), KNOWN, log) == [("c", ["news"])]


def test_what_an_event_brings_itself_stays(log):
    assert _known(event_table([_view(1, creator_id="own")]), KNOWN, log) == [("own", ["news"])]


def test_an_unknown_item_has_no_attributes_and_is_counted(log):
    events = event_table([_view(1, item_id="x"), _view(2), _view(3, item_id=None)])
    assert _known(events, KNOWN, log) == [(None, None), ("c", ["news"]), (None, None)]
    log.append(filled(stamped(events, log), KNOWN, []), "load", 1)
    assert of_unknown_items(KNOWN, log.files()) == 1
    assert of_unknown_items(KNOWN, []) == 0


def test_an_update_counts_from_its_arrival_on_and_only_for_what_it_names(log):
    events = event_table([_view(1), _update(2, creator_id="d"), _view(3), _update(4, topics=["x", "y"]), _view(5)])
    assert _known(events, KNOWN, log) == [("c", ["news"]), ("d", ["news"]), ("d", ["x", "y"])]


def test_an_update_in_the_log_counts_for_what_is_loaded_later(log):
    log.append(stamped(event_table([_update(2, creator_id="d", topics="x|y")]), log), "first", 1)
    assert _known(event_table([_view(1), _view(3)]), ITEMS.empty_table(), log) == [(None, None), ("d", ["x", "y"])]
    assert of_unknown_items(ITEMS.empty_table(), log.files()) == 0


def test_attributes_of_other_kinds_than_expected_change_nothing(log):
    events = event_table([_update(1, creator_id=None, topics=7), _update(2, title="New"), _view(3)])
    assert _known(events, KNOWN, log) == [("c", ["news"])]
