"""A Sentinel set: the master is found, and after a failover the next one is, in mid-write too."""

import asyncio
import threading
from collections.abc import Iterator

import pytest
from packed_values import keys, ones, values
from servers import MASTER_NAME, SentinelSet, sentinel_set, wait_until

from streamrank.stores.connection import ConnectionOptions, StoreUnreachable, asking, connect


@pytest.fixture
def sentinels(tmp_path) -> Iterator[SentinelSet]:
    with sentinel_set(tmp_path) as started:
        yield started


def connected(sentinels: SentinelSet, master: str = MASTER_NAME):
    text = f"{sentinels.connection_string},socket_timeout=2"
    return connect(ConnectionOptions.parse(text, "redis_sentinel", master))


def test_a_write_goes_on_with_the_new_master_when_the_old_one_and_a_sentinel_die(sentinels):
    connection, asked = connected(sentinels), keys(1_000)
    assert connection.put(asked, values(asked)).tolist() == ones(1_000)
    assert sentinels.master.client().dbsize() == 1_000
    sentinels.sentinels[0].kill()
    thread = threading.Thread(target=sentinels.master.kill)
    thread.start()
    while sentinels.master_port() != sentinels.replica.port:
        connection.put(asked, values(asked, stamp=2))
    thread.join()
    assert connection.put(asked, values(asked, stamp=2)).tolist() == ones(1_000)
    assert asyncio.run(connection.fetch_async(asked)).equals(values(asked, stamp=2))
    assert sentinels.replica.client().dbsize() == 1_000
    connection.close()


def test_a_master_that_was_demoted_is_left_for_the_new_one(sentinels):
    connection, asked = connected(sentinels), keys(500)
    connection.put(asked, values(asked))
    sentinels.sentinels[0].client().execute_command("SENTINEL", "FAILOVER", MASTER_NAME)
    stamp = 1
    while sentinels.master_port() != sentinels.replica.port:
        stamp += 1
        connection.put(asked, values(asked, stamp))
    wait_until(lambda: sentinels.master.role() == b"slave", "the demotion")
    assert connection.put(asked, values(asked, stamp + 1)).tolist() == ones(500)
    assert sentinels.replica.client().mget(asked.to_pylist()) == values(asked, stamp + 1).to_pylist()
    assert connection.fetch(asked).equals(values(asked, stamp + 1))
    connection.close()


def test_an_unknown_master_is_named(sentinels, monkeypatch):
    monkeypatch.setattr(asking, "PATIENCE_SECONDS", 0.2)
    with pytest.raises(StoreUnreachable, match="another"):
        connected(sentinels, "another").fetch(keys(1))
