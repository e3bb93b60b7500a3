"""What consumers rely on: positions, ranges, trimming, shares of a read, leases, sights of how far a bus has come."""

from datetime import timedelta

import numpy as np
import pyarrow as pa
import pytest
from servers import Server, cluster_of_six, running
from streams import a_bus, events, many, rows

from streamrank import clock
from streamrank.clock import VirtualClock
from streamrank.events import redis_streams
from streamrank.events.bus import Trimmed
from streamrank.events.shards import NEVER, SHARDS, shard_of
from streamrank.stores.connection import ConnectionOptions, StoreUnreachable, connect

ALL = dict.fromkeys(range(SHARDS), NEVER)
U = shard_of("u")


def _publish(bus, count: int, user: str = "u") -> list[int]:
    offered = many(count, users=1)
    return bus.publish(offered, pa.array([user] * count)).positions.tolist()


def test_a_consumer_is_where_it_committed_and_never_goes_back(bus):
    assert bus.committed("reader").tolist() == [NEVER] * SHARDS
    bus.commit("reader", {3: 50})
    bus.commit("reader", {3: 40, 4: 7})
    bus.register("reader", {3: 10, 5: 9})
    assert {shard: int(p) for shard, p in enumerate(bus.committed("reader")) if p != NEVER} == {3: 50, 4: 7, 5: 9}
    assert bus.consumers()["reader"].tolist() == bus.committed("reader").tolist()
    bus.unregister("reader")
    assert bus.committed("reader").tolist() == [NEVER] * SHARDS
    assert bus.consumers() == {}


def test_nothing_is_trimmed_while_nobody_is_registered(bus):
    _publish(bus, 5)
    assert bus.trim() == 0
    assert sum(map(len, bus.read(ALL, 10).values())) == 5


def test_trimming_frees_what_every_consumer_is_done_with_and_no_more(bus):
    chunks = [_publish(bus, 3) for _ in range(4)]
    before = bus.size_bytes()
    bus.register("slow", ALL)
    bus.commit("fast", {U: chunks[3][-1]})
    assert bus.trim() == 0
    bus.commit("slow", {U: chunks[1][1]})  # in the middle of a chunk, which stays
    freed = bus.trim()
    assert bus.size_bytes() == before - freed < before
    assert [position for _, position in rows(bus.read(ALL, 1_000)[U])] == [*chunks[1], *chunks[2], *chunks[3]]
    bus.unregister("slow")
    bus.trim()
    assert bus.size_bytes() == 0
    assert bus.read(ALL, 100) == {}
    assert _publish(bus, 1)[0] > chunks[3][-1]
    assert bus.size_bytes() > 0


def test_a_range_that_was_trimmed_is_not_passed_off_as_empty(bus):
    positions = _publish(bus, 3) + _publish(bus, 3)
    bus.commit("reader", {U: positions[2]})
    bus.trim()
    assert len(bus.read_range(U, positions[3], positions[5])) == 3
    with pytest.raises(Trimmed, match="register the consumer"):
        bus.read_range(U, positions[1], positions[4])


def test_a_read_takes_an_equal_part_of_each_shard_and_at_least_a_chunk(bus):
    for _ in range(10):
        _publish(bus, 10, "u")
        _publish(bus, 10, "v")
    found = bus.read({U: NEVER, shard_of("v"): NEVER}, 60)
    assert {shard: len(table) for shard, table in found.items()} == {U: 30, shard_of("v"): 30}
    assert {shard: len(table) for shard, table in bus.read(ALL, 1).items()} == {U: 10, shard_of("v"): 10}


def test_a_read_of_many_small_chunks_stops_near_what_was_asked_for(bus):
    for _ in range(120):
        _publish(bus, 2)
    (found,) = bus.read({U: NEVER}, 100).values()
    assert 100 <= len(found) <= 140


def test_a_lease_is_held_by_one_until_it_ends_or_is_left(bus):
    first, second = (bus.lease("task", timedelta(seconds=60)) for _ in range(2))
    assert (first.hold(), second.hold(), first.hold()) == (True, False, True)
    second.release()  # not its own
    assert not second.hold()
    first.release()
    assert (second.hold(), first.hold()) == (True, False)
    assert bus.lease("another task", timedelta(milliseconds=1)).hold()


def test_a_sight_tells_whether_the_mark_is_there_and_how_many_events_came_up_to_a_position(bus):
    bus.sight("", "one", np.full(SHARDS, NEVER))
    first, second = _publish(bus, 3), _publish(bus, 4)
    asked = np.full(SHARDS, NEVER)
    asked[U] = first[-1]
    sight = bus.sight("one", "two", asked)
    assert sight.marked.all()
    assert (sight.last[U], sight.total[U]) == (second[-1], 7)
    assert bus.sight("one", "three", asked).before[U] == 3
    bus.commit("reader", {U: first[-1]})
    bus.trim()  # the count is then told by the first chunk behind the position
    assert bus.sight("one", "four", asked).before[U] == 3
    asked[U] = second[-1] + 5
    assert bus.sight("one", "five", asked).before[U] == 7


def test_a_cluster_carries_a_bus_as_a_single_server_does(tmp_path):
    with cluster_of_six(tmp_path) as cluster:
        connection = connect(ConnectionOptions.parse(cluster.connection_string, "redis_cluster"))
        bus = a_bus(connection)
        offered = many(3_000)
        published = bus.publish(offered, offered["user_id"])
        assert published.taken.all()
        assert bus.publish(offered, offered["user_id"]).duplicate.all()
        found = bus.read(ALL, 100_000)
        assert {row for table in found.values() for row in rows(table)} == set(
            zip(offered["event_id"].to_pylist(), published.positions.tolist(), strict=True)
        )
        lasts = {shard: table["log_position"][-1].as_py() for shard, table in found.items()}
        assert bus.read_range(U, lasts[U], lasts[U])["log_position"].to_pylist() == [lasts[U]]
        bus.commit("reader", lasts)
        assert bus.trim() > 0
        assert bus.size_bytes() == 0
        assert bus.lease("task", timedelta(seconds=5)).hold()
        assert bus.sight("", "one", bus.ends()).total.sum() == 3_000
        assert bus.sight("one", "two", bus.ends()).marked.all()
        assert bus.consumers()["reader"].tolist() == bus.ends().tolist()
        nodes = [server.client().dbsize() for server in cluster.masters]
        assert all(nodes)  # every node has a part of the shards


def test_a_server_that_was_restarted_goes_on_with_positions_ids_and_events(tmp_path):
    with running(tmp_path, appendonly="yes", appendfsync="always") as server:
        bus = a_bus(server.address)
        offered = many(50)
        published = bus.publish(offered, offered["user_id"])
        server.kill()
        with pytest.raises(StoreUnreachable):
            bus.ends()
        server.start()
        assert sum(map(len, bus.read(ALL, 1_000).values())) == 50
        assert bus.publish(offered, offered["user_id"]).duplicate.all()
        assert (bus.publish(many(50), offered["user_id"]).positions > published.positions).all()


def test_projects_do_not_see_each_other(bus, bus_server: Server):
    other = a_bus(bus_server.address, project=f"{bus.project}:{{}}/2")
    other.publish(events(["a"], ["u"]), pa.array(["u"]))
    assert bus.read(ALL, 10) == {}
    assert sum(map(len, other.read(ALL, 10).values())) == 1


def test_a_user_with_the_documented_rights_may_do_all_of_it(bus_server: Server):
    text = " ".join(redis_streams.__doc__.split())
    rights = text[text.index("`+") + 1 : text.rindex("`")].split()
    admin = bus_server.client()
    admin.execute_command("ACL", "SETUSER", "bus", "reset", "on", ">secret", "~streamrank!bus:*", *rights)
    bus = a_bus(f"{bus_server.address},username=bus,password=secret")
    positions = _publish(bus, 5)
    bus.register("reader", ALL)
    bus.begin(bus.ends())
    bus.read_range(U, positions[0], positions[1])
    bus.sight("", "one", np.full(SHARDS, positions[0]))
    bus.commit("reader", {U: positions[-1]})
    assert bus.trim() > 0
    bus.unregister("reader")
    lease = bus.lease("task", timedelta(seconds=1))
    lease.hold()
    lease.release()
    with clock.use(VirtualClock(positions[-1] + 3_600_000_000)):
        assert bus.publish(events(["a"], ["u"]), pa.array(["u"])).taken.all()
    admin.execute_command("ACL", "DELUSER", "bus")
