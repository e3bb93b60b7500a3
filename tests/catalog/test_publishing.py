"""What arrives passes the door, is filled with what is known of its item, and is on the bus once."""

import json
from datetime import timedelta
from uuid import uuid4

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from platforms import environment

from catalog.dataset import DataSet, Manifest
from catalog.filling import KnownItems
from catalog.publishing import Door, open_door, publish, publish_all
from catalog.schema import EVENTS, ITEMS, PUBLISHED
from catalog.updates import ITEMS_HEARD, USERS_HEARD, item_updates, user_updates
from streamrank import clock
from streamrank.events.bus import BusFull
from streamrank.events.log import EventLog
from streamrank.events.redis_streams import RedisStreams, redis_bus
from streamrank.events.shards import NEVER, SHARDS
from streamrank.settings import feast_connection
from streamrank.stores.connection import ConnectionOptions, connect

ITEMS_KNOWN = pa.table({"item_id": ["m", "n"], "creator_id": ["c", None], "topics": [["news", "live"], None]})


@pytest.fixture
def connection(redis_server):
    opened = connect(ConnectionOptions.parse(feast_connection(redis_server)))
    yield opened
    opened.close()


@pytest.fixture
def bus(connection) -> RedisStreams:
    return redis_bus(connection, f"p{uuid4().hex}", PUBLISHED)


def event(event_id: str, **more) -> dict:
    return {"event_id": event_id, "event_time": clock.now_us(), "event_type": "view", "user_id": "u", **more}


def update(event_id: str, item_id: str, kind: str = "item_update", **named) -> dict:
    return event(event_id, event_type=kind, user_id=None, item_id=item_id, attributes=json.dumps(named))


def table(*events: dict) -> pa.Table:
    names = dict.fromkeys(name for each in events for name in each)
    return pa.table({name: [each.get(name) for each in events] for name in names})


def on_the_bus(bus: RedisStreams) -> dict[str, dict]:
    """event_id -> event."""
    found = bus.read(dict.fromkeys(range(SHARDS), NEVER), 1_000_000)
    return {each["event_id"]: each for part in found.values() for each in part.to_pylist()}


def test_good_rows_are_taken_beside_bad_ones_that_are_named(bus):
    receipt = publish(bus, table(event("a"), event("b", watch_ms=-1), event("c", event_type="zap"), event("d")))
    assert (receipt.taken, receipt.duplicates) == (2, 0)
    assert receipt.refused.select(["event_id", "row", "reason"]).to_pylist() == [
        {"event_id": "b", "row": 1, "reason": "negative watch_ms: -1"},
        {"event_id": "c", "row": 2, "reason": "unknown event_type: zap"},
    ]
    assert set(on_the_bus(bus)) == {"a", "d"}


def test_the_same_batch_again_counts_once_also_where_events_have_no_ids(bus):
    batch = table(*(event(None, user_id=f"u{number}", event_time=5) for number in range(30)))
    first, again = publish(bus, batch), publish(bus, batch)
    assert (first.taken, first.duplicates) == (30, 0)
    assert (again.taken, again.duplicates) == (0, 30)
    assert len(on_the_bus(bus)) == 30


def test_what_is_known_of_an_item_fills_what_an_event_does_not_say(bus):
    known = KnownItems(ITEMS_KNOWN)
    events = [
        event("plain", item_id="m"), event("own", item_id="m", creator_id="mine", topics=["mine"]),
        event("half", item_id="n"), event("unknown", item_id="x"), event("none"),
    ]  # fmt: skip
    receipt = publish(bus, table(*events), Door(known))
    found = on_the_bus(bus)
    told = {name: (each["creator_id"], each["topics"]) for name, each in found.items()}
    assert told == {
        "plain": ("c", ["news", "live"]), "own": ("mine", ["mine"]),
        "half": (None, None), "unknown": (None, None), "none": (None, None),
    }  # fmt: skip
    assert receipt.unknown_items == 1


def test_an_update_counts_from_its_arrival_on_and_only_for_what_it_names(bus):
    door = Door(KnownItems(ITEMS_KNOWN))
    publish(bus, table(event("before", item_id="m")), door)
    publish(bus, table(update("u1", "m", creator_id="d"), update("u2", "x", topics=["sport"], title="X")), door)
    publish(bus, table(event("after", item_id="m"), event("new", item_id="x")), door)
    publish(bus, table(update("u3", "x", "item_start", creator_id="e"), event("with", item_id="x")), door)
    found = on_the_bus(bus)
    told = {name: (found[name]["creator_id"], found[name]["topics"]) for name in ("before", "after", "new", "with")}
    assert told == {
        "before": ("c", ["news", "live"]), "after": ("d", ["news", "live"]),
        "new": (None, ["sport"]), "with": ("e", ["sport"]),
    }  # fmt: skip


def test_a_late_retry_of_an_old_update_is_no_news(bus):
    door = Door()
    old = table(update("old", "m", creator_id="old"))
    publish(bus, old, door)
    publish(bus, table(update("new", "m", creator_id="new")), door)
    assert publish(bus, old, door).duplicates == 1
    publish(bus, table(event("a", item_id="m")), door)
    assert on_the_bus(bus)["a"]["creator_id"] == "new"


def test_many_items_are_filled_as_each_alone_would_be(bus):
    random = np.random.default_rng(3)
    ids = [f"i{number}" for number in range(500)]
    creators = [None if number % 5 == 0 else f"c{number % 7}" for number in range(500)]
    topics = [None if number % 3 == 0 else ["a", f"t{number % 4}"] for number in range(500)]
    known = KnownItems(pa.table({"item_id": ids, "creator_id": creators, "topics": topics}))
    chosen = random.integers(600, size=2_000)
    events = {"event_id": [f"e{n}" for n in range(2_000)], "event_time": [clock.now_us()] * 2_000}
    receipt = publish(bus, pa.table({**events, "item_id": [f"i{number}" for number in chosen]}), Door(known))
    assert receipt.unknown_items == (chosen >= 500).sum()
    found = on_the_bus(bus)
    for place, number in enumerate(chosen.tolist()):
        told = found[f"e{place}"]
        expected = (creators[number], topics[number]) if number < 500 else (None, None)
        assert (told["creator_id"], told["topics"]) == expected


def test_several_offers_go_in_one_round_and_each_has_its_own_receipt(bus):
    offers = [
        table(event("a"), event("b", event_type="zap")),
        table(event("a"), event("c", item_id="x")),
        table(event("d")),
    ]
    first, second, third = publish_all(bus, offers, Door())
    assert [(each.taken, each.duplicates, len(each.refused)) for each in (first, second, third)] == [
        (1, 0, 1), (1, 1, 0), (1, 0, 0),
    ]  # fmt: skip
    assert second.unknown_items == 1
    assert set(on_the_bus(bus)) == {"a", "c", "d"}


def test_a_full_bus_refuses_and_goes_on_when_there_is_room(connection):
    small = redis_bus(connection, f"p{uuid4().hex}", PUBLISHED, limit_bytes=200_000, patience=timedelta(0))
    door, offered = Door(), 0
    with pytest.raises(BusFull):
        for batch in range(1_000):
            events = table(*(event(f"{batch}-{n}", user_id=f"u{n}", device="x" * 100) for n in range(50)))
            offered += publish(small, events, door).taken
    assert offered
    small.commit("log", dict(enumerate(small.ends().tolist())))
    small.trim()
    receipt = publish(small, events, door)
    assert receipt.taken + receipt.duplicates == 50
    assert not len(receipt.refused)


def test_the_door_of_a_data_set_knows_its_items_and_what_its_log_says_of_them(platform, bus):
    with environment(STREAMRANK_DATASET="tv"):
        data = DataSet.current()
        data.write_manifest(Manifest("tv", "files", user_ids="integer"))
        rows = [{"item_id": "m", "creator_id": "c", "topics": ["news"]}, {"item_id": "n", "creator_id": "c"}]
        pq.write_table(pa.Table.from_pylist(rows, schema=ITEMS), data.items)
        told = [(1, "d"), (2, "e")]
        logged = [
            {"event_id": f"l{at}", "event_time": at, "arrived_at": at, "shard": 0, "log_position": at,
             "event_type": "item_update", "item_id": "m", "attributes": json.dumps({"creator_id": creator})}
            for at, creator in told
        ]  # fmt: skip
        EventLog(data.events).append(pa.Table.from_pylist(logged, schema=EVENTS), "load", 1)
        door = open_door(data)
    receipt = publish(bus, table(event("a", user_id="7", item_id="m"), event("b", user_id="x", item_id="n")), door)
    assert receipt.refused["reason"].to_pylist() == ["id no integer: user_id x"]
    found = on_the_bus(bus)["a"]
    assert (found["creator_id"], found["topics"]) == ("e", ["news"])


def test_what_passed_another_door_is_heard_once_it_is_applied(bus):
    from catalog.live.item_states import next_states
    from catalog.live.on_air import OnAir, live_items

    items = live_items(bus.connection, bus.project)
    here, there = Door(news=OnAir(items)), Door()
    publish(bus, table(update("u", "m", "item_start", creator_id="c", topics=["a"])), there)
    publish(bus, table(event("deaf", item_id="m")), here)
    events = pa.concat_tables(bus.read(dict.fromkeys(range(SHARDS), NEVER), 100).values())
    started = events.filter(pc.equal(events["event_type"], "item_start"))
    items.put(next_states(items.get(pa.array(["m"])), started))
    publish(bus, table(event("heard", item_id="m")), here)
    found = on_the_bus(bus)
    assert (found["deaf"]["creator_id"], found["heard"]["creator_id"]) == (None, "c")


def test_attributes_of_updates_that_nothing_is_made_of_are_named_and_the_event_taken(bus):
    user = event("u1", event_type="user_update", attributes=json.dumps({"age": 31, "country": "DE", "topics": ["a"]}))
    item = update("i1", "m", title="t", mood="fine", available_until="2030-01-01")
    ended = update("i2", "m", "item_end", topics=["a"])
    view = event("v1", item_id="m", attributes=json.dumps({"country": "DE"}))  # a view may carry anything
    receipt = publish(bus, table(user, item, ended, view))
    assert receipt.taken == 4
    assert set(receipt.ignored) == {
        "attributes.country of user_update", "attributes.mood of item_update", "attributes.topics of item_end",
    }  # fmt: skip


def test_a_refused_update_is_not_told_to_be_ignored(bus):
    receipt = publish(bus, table(event("u1", event_type="user_update", attributes="[country]")))
    assert receipt.taken == 0 and receipt.ignored == ()


@pytest.mark.parametrize("updates, heard", [(item_updates, ITEMS_HEARD), (user_updates, USERS_HEARD)])
def test_what_is_heard_is_what_the_sql_of_updates_reads(updates, heard):
    import re

    assert set(re.findall(r"named->>?'(\w+)'", updates("events"))) == set(heard)
