"""A cluster of six processes: every key at its master, slots that move, a master that dies."""

import asyncio
from collections.abc import Iterator

import pytest
from packed_values import column, keys, ones, value, values
from platforms import free_port
from redis.crc import key_slot
from servers import ClusterOfSix, cluster_of_six

from streamrank.stores.connection import Connection, ConnectionOptions, StoreUnreachable, asking, connect

RIGHTS = ["+mget", "+get", "+evalsha", "+script|load", "+set", "+getrange", "+hset", "+hgetall", "+scan", "+unlink"]
CLUSTER_RIGHTS = [*RIGHTS, "+asking", "+cluster|slots"]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClusterOfSix]:
    with cluster_of_six(tmp_path_factory.mktemp("cluster")) as started:
        yield started


@pytest.fixture
def connection(cluster: ClusterOfSix) -> Iterator[Connection]:
    made = connected(cluster)
    made.delete_prefix(b"")
    yield made
    made.close()


def connected(cluster: ClusterOfSix, more: str = "socket_timeout=5") -> Connection:
    return connect(ConnectionOptions.parse(f"{cluster.connection_string},{more}", "redis_cluster"))


def test_what_is_put_is_fetched_from_all_masters(connection, cluster):
    asked = keys(3_000)
    assert connection.put(asked, values(asked)).tolist() == ones(3_000)
    assert connection.put(asked, values(asked, stamp=0)).tolist() == [0] * 3_000
    assert connection.fetch(asked).equals(values(asked))
    assert all(master.client().dbsize() > 500 for master in cluster.masters)
    assert connection.fetch(column([b"nobody"])).null_count == 1
    assert len(connection.fetch(keys(0))) == 0


def test_keys_with_braces_are_where_the_cluster_looks_for_them(connection, cluster):
    asked = column([b"streamrank:p:v:s{a}%d" % number for number in range(20)] + [b"streamrank:{}%d" % 1, b"}{"])
    connection.put(asked, values(asked))
    assert connection.fetch(asked).equals(values(asked))
    assert [cluster.client.get(key) for key in asked.to_pylist()] == values(asked).to_pylist()


def test_rows_of_one_key_are_taken_in_order(connection):
    rows = column([value(5, 1, b"a"), value(4, 9, b"b"), value(5, 1, b"c")])
    assert connection.put(column(keys(1).to_pylist() * 3), rows).tolist() == [1, 0, 1]
    assert connection.fetch(keys(1))[0].as_py() == rows[2].as_py()


def test_fields_and_deletion_reach_every_master(connection, cluster):
    asked = keys(2_000)
    connection.put(asked, values(asked))
    connection.set_fields(b"streamrank:p:v!layouts", {b"id": b"layout"})
    assert connection.get_fields(b"streamrank:p:v!layouts") == {b"id": b"layout"}
    assert connection.delete_prefix(b"streamrank:") == 2_001
    assert sum(master.client().dbsize() for master in cluster.masters) == 0


def test_an_event_loop_is_served_as_well(connection):
    asked = keys(1_500)

    async def talk() -> None:
        assert (await connection.put_async(asked, values(asked))).tolist() == ones(1_500)
        assert (await connection.fetch_async(asked)).equals(values(asked))
        assert await connection.delete_prefix_async(b"streamrank:") == 1_500
        await connection.close_async()

    for _ in range(2):
        asyncio.run(talk())


def test_the_documented_rights_are_enough(cluster, connection):
    for server in cluster.masters + cluster.replicas:
        client = server.client()
        client.acl_setuser("writer", enabled=True, passwords=["+word"], keys=["streamrank:*"], commands=CLUSTER_RIGHTS)
    limited = connected(cluster, "username=writer,password=word")
    assert limited.put(keys(50), values(keys(50))).tolist() == ones(50)
    assert limited.fetch(keys(50)).equals(values(keys(50)))
    assert limited.delete_prefix(b"streamrank:") == 50
    limited.close()


def test_a_node_taken_for_a_single_server_is_recognised(cluster):
    single = connect(ConnectionOptions.parse(cluster.masters[0].address))
    with pytest.raises(StoreUnreachable, match="redis_type: redis_cluster"):
        single.fetch(keys(20))


def test_a_single_server_taken_for_a_cluster_is_recognised(server):
    with pytest.raises(Exception, match="cluster support disabled"):
        connect(ConnectionOptions.parse(server.address, "redis_cluster")).fetch(keys(1))


def test_without_a_node_the_message_says_where(monkeypatch):
    monkeypatch.setattr(asking, "PATIENCE_SECONDS", 0.2)
    address = f"127.0.0.1:{free_port()}"
    with pytest.raises(StoreUnreachable, match=address):
        connect(ConnectionOptions.parse(address, "redis_cluster")).fetch(keys(1))


def test_keys_are_followed_while_their_slot_moves(connection, cluster):
    asked = column([b"streamrank:p:v:s{moving}%d" % number for number in range(40)])
    slot = key_slot(b"moving")
    connection.put(asked[:30], values(asked[:30]))
    source = cluster.masters[3 * slot // 16_384].client()
    target_server = cluster.masters[(3 * slot // 16_384 + 1) % 3]
    target = target_server.client()
    names = {client: client.execute_command("CLUSTER MYID") for client in (source, target)}
    target.execute_command("CLUSTER SETSLOT", slot, "IMPORTING", names[source])
    source.execute_command("CLUSTER SETSLOT", slot, "MIGRATING", names[target])
    source.migrate("127.0.0.1", target_server.port, asked[:15].to_pylist(), 0, 5_000)

    async def halfway() -> None:
        assert (await connection.fetch_async(asked[:30])).equals(values(asked[:30]))
        await connection.close_async()

    asyncio.run(halfway())
    assert connection.fetch(asked[:30]).equals(values(asked[:30]))
    assert connection.put(asked, values(asked, stamp=2)).tolist() == ones(40)
    source.migrate("127.0.0.1", target_server.port, asked.to_pylist(), 0, 5_000)
    for client in (target, source):
        client.execute_command("CLUSTER SETSLOT", slot, "NODE", names[target])
    assert connection.fetch(asked).equals(values(asked, stamp=2))
    assert connection.put(asked, values(asked, stamp=3)).tolist() == ones(40)
    assert target.exists(*asked.to_pylist()) == 40


def test_a_dead_master_s_replica_takes_over(connection, cluster):
    asked = keys(2_000)
    connection.put(asked, values(asked))
    for master in cluster.masters:
        master.client().wait(1, 2_000)
    cluster.masters[0].kill()
    assert connection.put(asked, values(asked, stamp=2)).tolist() == ones(2_000)
    assert connection.fetch(asked).equals(values(asked, stamp=2))
