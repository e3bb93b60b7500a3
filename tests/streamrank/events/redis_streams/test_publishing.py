"""What publishing promises: columns, stamps, waiting when full, and many publishers at once."""

import multiprocessing
import threading
import time
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pytest
from servers import Server, running
from streams import INSTANT, SCHEMA, SPAN_US, a_bus, events, many, rows

from streamrank import clock
from streamrank.clock import VirtualClock
from streamrank.events.bus import BusFull
from streamrank.events.redis_streams import APPEND_LUA, redis_bus
from streamrank.events.redis_streams.calls import Calls
from streamrank.events.shards import NEVER, SHARDS, shard_of, shards_of

ALL = dict.fromkeys(range(SHARDS), NEVER)
START = 1_700_000_000 * 1_000_000


def _everything(bus) -> list[tuple[str, int]]:
    return [row for table in bus.read(ALL, 1_000_000).values() for row in rows(table)]


def test_columns_come_back_as_they_were_with_their_stamps(bus):
    offered = many(500)
    published = bus.publish(offered, offered["user_id"])
    found = pa.concat_tables(bus.read(ALL, 10_000).values()).sort_by([("value", "ascending")])
    assert found.schema == pa.schema([*SCHEMA, *_stamps()])
    assert found.select(SCHEMA.names).equals(offered)
    assert found["log_position"].to_pylist() == published.positions.tolist()
    assert found["arrived_at"].cast(pa.int64()).to_pylist() == published.positions.tolist()
    assert found["shard"].to_numpy().tolist() == shards_of(offered["user_id"]).tolist()


def _stamps() -> list[pa.Field]:
    types = {"arrived_at": INSTANT, "shard": pa.int32(), "log_position": pa.int64()}
    return [pa.field(name, dtype, nullable=False) for name, dtype in types.items()]


def test_a_schema_that_has_the_stamps_keeps_them_in_place(bus_server: Server):
    schema = pa.schema([SCHEMA.field(0), *_stamps(), *list(SCHEMA)[1:]])
    bus = redis_bus(a_bus(bus_server.address).connection, "stamps-in-place", schema)
    bus.publish(many(3), many(3)["user_id"])
    assert {tuple(table.column_names) for table in bus.read(ALL, 10).values()} == {tuple(schema.names)}


def test_a_column_that_is_left_out_is_null_and_an_unknown_one_is_refused_by_name(bus):
    offered = many(3)
    bus.publish(offered.drop_columns(["topics"]), offered["user_id"])
    assert pa.concat_tables(bus.read(ALL, 10).values())["topics"].null_count == 3
    with pytest.raises(ValueError, match="found color too"):
        bus.publish(offered.append_column("color", offered["user_id"]), offered["user_id"])


@pytest.mark.parametrize(
    ("missing", "ids", "users"), [("event_id", ["a", None], ["u", "u"]), ("shard_keys", ["a", "b"], ["u", None])]
)
def test_a_missing_event_id_or_shard_key_is_refused(bus, missing, ids, users):
    offered = many(2).set_column(0, SCHEMA.field(0).with_nullable(True), pa.array(ids))
    with pytest.raises(ValueError, match=f"no nulls in {missing}, found 1 of 2"):
        bus.publish(offered, pa.array(users))


def test_no_events_are_published_as_none(bus):
    assert len(bus.publish(many(0), many(0)["user_id"]).positions) == 0


def test_an_event_from_a_clock_ahead_is_read_as_of_its_arrival(bus):
    with clock.use(VirtualClock(START)):
        bus.publish(events(["a", "b"], ["u", "u"], START + 30), pa.array(["u", "u"]))
    (found,) = bus.read(ALL, 10).values()
    assert found["event_time"].cast(pa.int64()).to_pylist() == [START, START + 1]


def test_under_the_wall_clock_the_server_says_what_time_it_is(bus, bus_server):
    seconds, micros = bus_server.client().time()
    (position,) = bus.publish(events(["a"], ["u"]), pa.array(["u"])).positions
    assert 0 <= position - (seconds * 1_000_000 + micros) < 30_000_000


def test_readers_with_another_schema_read_what_they_share(bus, bus_server):
    offered = many(4)
    bus.publish(offered, offered["user_id"])
    newer = pa.schema([field for field in SCHEMA if field.name != "topics"] + [pa.field("device", pa.string())])
    found = pa.concat_tables(redis_bus(bus.connection, bus.project, newer).read(ALL, 10).values())
    assert found["device"].null_count == 4
    assert sorted(found["value"].to_pylist()) == offered["value"].to_pylist()


def test_generations_of_ids_that_are_too_old_are_freed(bus, bus_server):
    for step in range(12):
        with clock.use(VirtualClock(START + step * SPAN_US)):
            bus.publish(events([f"e{step}"], ["u"]), pa.array(["u"]))
    held = list(bus_server.client().scan_iter(match=f"streamrank!bus:{bus.project}:*ids:*"))
    assert len(held) == 5


def test_what_has_to_begin_above_the_log_does_and_never_goes_back(bus):
    last = np.full(SHARDS, START + 7 * SPAN_US)
    bus.begin(last)
    bus.begin(last - SPAN_US)
    with clock.use(VirtualClock(START)):
        (position,) = bus.publish(events(["a"], ["u"]), pa.array(["u"])).positions
    assert position == last[0] + 1
    assert (bus.ends() >= last).all()


def test_a_bus_over_its_limit_makes_publishers_wait_and_then_refuses(bus_server):
    bus = a_bus(bus_server.address, limit_bytes=SHARDS * 10_000, patience=timedelta(milliseconds=50))
    bus.register("a reader that ended", ALL)
    taken, offered = 0, many(0)
    with pytest.raises(BusFull, match=r"a reader that ended .16 shards.*STREAMRANK_BUS_LIMIT_BYTES") as full:
        while True:
            offered = many(2_000)
            taken += bus.publish(offered, offered["user_id"]).taken.sum()
    taken += full.value.published.taken.sum()
    assert len(_everything(bus)) == taken  # nothing dropped, nothing there that was not answered
    assert bus.size_bytes() <= SHARDS * 10_000 + SHARDS * 100_000
    bus.commit("a reader that ended", {shard: int(end) for shard, end in enumerate(bus.ends())})
    bus.trim()
    again = bus.publish(offered, offered["user_id"])
    assert (again.taken ^ full.value.published.taken).all()  # the others now, and those once


def test_a_server_without_memory_is_a_bus_that_is_full(tmp_path):
    with running(tmp_path, maxmemory="6mb", maxmemory_policy="noeviction") as server:
        bus = a_bus(server.address, patience=timedelta(milliseconds=20))
        taken = 0
        with pytest.raises(BusFull) as full:
            while True:
                offered = many(2_000)
                taken += bus.publish(offered, offered["user_id"]).taken.sum()
        server.client().config_set("maxmemory", "0")
        again = bus.publish(offered, offered["user_id"])
        assert (again.positions > 0).sum() + (again.duplicate).sum() == 2_000
        assert not (again.taken & full.value.published.taken).any()
        assert len(_everything(bus)) == taken + 2_000


def test_a_publisher_that_waits_goes_on_when_there_is_room_again(bus_server):
    bus = a_bus(bus_server.address, limit_bytes=SHARDS * 2_000, patience=timedelta(seconds=30))
    offers = [many(1_000) for _ in range(6)]

    def drain() -> None:
        while len(seen) < 6_000:
            for table in bus.read({s: int(p) for s, p in enumerate(bus.committed("reader"))}, 100_000).values():
                seen.extend(rows(table))
                bus.commit("reader", {table["shard"][0].as_py(): table["log_position"][-1].as_py()})
            bus.trim()

    seen: list = []
    bus.register("reader", ALL)
    reader = threading.Thread(target=drain)
    reader.start()
    assert all(bus.publish(offer, offer["user_id"]).taken.all() for offer in offers)
    reader.join()
    assert len({event_id for event_id, _ in seen}) == 6_000


def _publish(address: str, project: str, own: str, shared: int) -> None:
    bus = a_bus(address, project)
    for part in range(10):
        ids = [f"{own}-{part}-{n}" for n in range(50)] + [f"shared-{part}-{n}" for n in range(shared)]
        offered = events(ids, (str(n % 9) for n in range(len(ids))))
        bus.publish(offered, offered["user_id"])


def test_publishers_in_many_processes_get_positions_of_their_own_and_shared_ids_count_once(bus, bus_server):
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=_publish, args=(bus_server.address, bus.project, f"p{n}", 20)) for n in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    found = bus.read(ALL, 1_000_000)
    ids = [event_id for table in found.values() for event_id, _ in rows(table)]
    assert len(ids) == len(set(ids)) == 4 * 500 + 200
    for table in found.values():
        assert (np.diff(table["log_position"].to_numpy()) > 0).all()
    for own in range(4):  # each publisher's events of a shard in the order in which it sent them
        for table in found.values():
            names = [event_id.split("-") for event_id, _ in rows(table)]
            sent = [(int(part), int(n)) for name, part, n in names if name == f"p{own}"]
            assert sent == sorted(sent)


def test_another_script_may_append_in_its_own_step(bus):
    offered = events(["a", "b", "a"], ["u", "u", "u"])
    prefix, arguments = bus.append_calls(offered, np.full(3, shard_of("u")))[shard_of("u")]
    script = f"{APPEND_LUA}\nreturn {{append(KEYS[1], unpack(ARGV))}}".encode()
    ((first, dropped),) = bus.connection.ask(Calls(script, [prefix], [arguments]))[0]
    assert np.frombuffer(dropped, np.uint32).tolist() == [2]
    assert rows(bus.read(ALL, 10)[shard_of("u")]) == [("a", int(first)), ("b", int(first) + 1)]
    assert not bus.publish(offered, offered["user_id"]).taken.any()


def test_waiting_for_events_ends_with_the_first_one(bus):
    publisher = threading.Timer(0.1, lambda: bus.publish(many(1), many(1)["user_id"]))
    publisher.start()
    began = time.monotonic()
    assert sum(map(len, bus.read(ALL, 10, wait_ms=20_000).values())) == 1
    assert time.monotonic() - began < 20
    assert bus.read(dict(enumerate(bus.ends().tolist())), 10, wait_ms=10) == {}


def test_readers_of_the_same_schema_need_not_be_told_of_it(bus, bus_server):
    offered = many(4)
    bus.publish(offered, offered["user_id"])
    bus_server.client().delete(f"streamrank!bus:{bus.project}:schemas")
    assert sum(map(len, a_bus(bus_server.address, bus.project).read(ALL, 10).values())) == 4


def test_a_column_of_another_type_is_refused_by_name(bus):
    offered = many(2).set_column(4, "value", pa.array(["a", "b"]))
    with pytest.raises(ValueError, match="expected value of double"):
        bus.publish(offered, offered["user_id"])
