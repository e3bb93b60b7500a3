"""What goes wrong is said clearly, leaves only whole values, and doing it again completes."""

import os
import signal
import threading
import time
from collections.abc import Iterator

import pytest
import redis
from packed_values import keys, ones, values
from platforms import environment, free_port
from servers import Server, running, wait_until

from streamrank.stores.connection import ConnectionOptions, StoreDenied, StoreFull, StoreUnreachable, asking, connect

RIGHTS = ["+mget", "+get", "+evalsha", "+script|load", "+set", "+getrange", "+hset", "+hgetall", "+scan", "+unlink"]


@pytest.fixture
def durable(tmp_path) -> Iterator[Server]:
    with running(tmp_path / "durable", appendonly="yes", appendfsync="everysec") as server:
        yield server


def connected(server: Server, options: str = "db=0"):
    return connect(ConnectionOptions.parse(f"{server.address},{options}"))


def test_without_a_server_the_message_says_where_and_what_to_do():
    address = f"127.0.0.1:{free_port()}"
    with pytest.raises(StoreUnreachable, match=rf"no Redis answers at {address}: .*connection_string") as raised:
        connect(ConnectionOptions.parse(address)).fetch(keys(1))
    assert isinstance(raised.value, redis.ConnectionError)


def test_without_the_platform_s_server_the_message_says_streamrank_up(tmp_path):
    port = str(free_port())
    with (
        environment(STREAMRANK_ROOT=str(tmp_path), STREAMRANK_REDIS_PORT=port, STREAMRANK_REDIS_URL=""),
        pytest.raises(StoreUnreachable, match="streamrank up"),
    ):
        connect(ConnectionOptions.parse(f"127.0.0.1:{port}")).fetch(keys(1))


def test_a_full_server_stops_the_write_and_room_lets_it_complete(connection, server):
    asked, client = keys(20_000), server.client()
    rows = values(asked, copies=30)
    client.config_set("maxmemory-policy", "noeviction")
    client.config_set("maxmemory", client.info("memory")["used_memory"] + 6_000_000)
    try:
        with pytest.raises(StoreFull, match=r"\d+ of 20000 rows were certainly written; raise maxmemory") as raised:
            connection.put(asked, rows)
        found = connection.fetch(asked)
        assert 0 < raised.value.written <= len(asked) - found.null_count < len(asked)
        present = found.is_valid()
        assert found.filter(present).equals(rows.filter(present))
        client.config_set("maxmemory", 1)
        with pytest.raises(StoreFull):
            connection.set_fields(b"streamrank:p:v!layouts", {b"id": b"layout"})
    finally:
        client.config_set("maxmemory", 0)
    assert connection.put(asked, rows).tolist() == ones(20_000)
    assert connection.fetch(asked).equals(rows)


def test_a_server_killed_in_mid_write_keeps_whole_values_and_writing_again_completes(durable):
    connection, asked = connected(durable), keys(60_000)
    rows = values(asked)
    connection.put(asked[:1], rows[:1])

    def kill_midway() -> None:
        with durable.client() as client:
            wait_until(lambda: client.dbsize() > 5_000, "the first rows")
        durable.kill()

    thread = threading.Thread(target=kill_midway)
    thread.start()
    with pytest.raises(StoreUnreachable):
        for _ in range(50):
            connection.put(asked, rows)
    thread.join()
    durable.start()
    found = connection.fetch(asked)
    present = found.is_valid()
    assert found.null_count < len(asked)
    assert found.filter(present).equals(rows.filter(present))
    assert connection.put(asked, rows).tolist() == ones(60_000)
    assert connection.fetch(asked).equals(rows)
    connection.close()


def test_a_server_that_is_loading_is_waited_for(durable, monkeypatch):
    connection, asked = connected(durable), keys(20_000)
    connection.put(asked, values(asked))
    durable.kill()
    durable.options |= {"key-load-delay": "100", "loading-process-events-interval-bytes": "1024"}
    durable.start(wait=False)
    wait_until(lambda: is_loading(durable), "the server's loading", 5)
    monkeypatch.setattr(asking, "PATIENCE_SECONDS", 0.0)
    with pytest.raises(StoreUnreachable, match="loading"):
        connection.fetch(asked)
    monkeypatch.undo()
    assert connection.fetch(asked).equals(values(asked))
    connection.close()


def is_loading(server: Server) -> bool:
    try:
        server.client().get("any")
    except redis.BusyLoadingError:
        return True
    except redis.ConnectionError:
        return False
    raise AssertionError("the server had loaded before it could be asked")


def test_a_server_that_hangs_is_given_up_after_the_socket_s_timeout(server):
    connection = connected(server, "socket_timeout=0.3")
    connection.put(keys(1), values(keys(1)))
    os.kill(server.process.pid, signal.SIGSTOP)
    try:
        start = time.monotonic()
        with pytest.raises(StoreUnreachable, match=r"hangs .*socket_timeout=0.3"):
            connection.fetch(keys(1))
        assert time.monotonic() - start < 5
    finally:
        os.kill(server.process.pid, signal.SIGCONT)
    assert connection.fetch(keys(1)).equals(values(keys(1)))
    connection.close()


def test_a_replica_is_no_place_to_write(server, tmp_path, monkeypatch):
    monkeypatch.setattr(asking, "PATIENCE_SECONDS", 0.2)
    with running(tmp_path / "replica", replicaof=f"127.0.0.1 {server.port}") as replica:
        wait_until(lambda: replica.client().info("replication")["master_link_status"] == "up", "the replica")
        with pytest.raises(StoreUnreachable, match="read-only replica"):
            connected(replica).put(keys(1), values(keys(1)))


def user(server: Server, name: str, rights: list[str], pattern: str = "streamrank:*") -> str:
    """Makes a user with just these rights; how to connect as such."""
    client = server.client()
    client.acl_setuser(name, enabled=True, reset=True, passwords=["+12345"], keys=[pattern], commands=rights)
    return f"username={name},password=12345"


def test_the_documented_rights_are_enough(server):
    connection = connected(server, user(server, "writer", RIGHTS))
    assert connection.put(keys(300), values(keys(300))).tolist() == ones(300)
    assert connection.fetch(keys(300)).equals(values(keys(300)))
    connection.set_fields(b"streamrank:p:v!layouts", {b"id": b"layout"})
    assert connection.get_fields(b"streamrank:p:v!layouts") == {b"id": b"layout"}
    assert connection.delete_prefix(b"streamrank:") == 301
    connection.close()


@pytest.mark.parametrize("missing", ["+evalsha", "+set", "+script|load", "+mget"])
def test_a_missing_right_is_named_with_the_user(server, missing):
    server.client().script_flush()
    connection = connected(server, user(server, "limited", [right for right in RIGHTS if right != missing]))
    with pytest.raises(StoreDenied, match=r"'limited'.*" + missing.strip("+").split("|")[0]):
        connection.put(keys(1), values(keys(1)))
        connection.fetch(keys(1))
    connection.close()


def test_a_foreign_key_is_denied(server):
    with pytest.raises(StoreDenied, match="MGET"):
        connected(server, user(server, "stranger", RIGHTS, "other:*")).fetch(keys(1))


def test_a_wrong_password_is_named_without_being_shown(server):
    user(server, "writer", RIGHTS)
    with pytest.raises(StoreDenied, match=r"'writer'.*correct username and password") as raised:
        connected(server, "username=writer,password=hunter2").fetch(keys(1))
    assert "hunter2" not in str(raised.value)


def test_a_key_of_another_kind_is_an_error(connection, server):
    server.client().hset(keys(1)[0].as_py(), "a", "b")
    with pytest.raises(redis.ResponseError, match=r"EVALSHA.*wrong kind"):
        connection.put(keys(1), values(keys(1)))
