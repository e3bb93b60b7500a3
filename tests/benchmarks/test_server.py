"""The bench's own server: on a free port, with the append-only file, and gone afterwards."""

import redis

from benchmarks.server import private_valkey
from streamrank.embedded import answers


def test_a_private_server_lives_as_long_as_its_block(tmp_path):
    with private_valkey(tmp_path / "valkey") as port, redis.Redis(port=port) as client:
        assert client.config_get("appendonly") == {"appendonly": "yes"}
        client.set("a", 1)
    assert not answers(f"redis://127.0.0.1:{port}/0")
    assert list((tmp_path / "valkey").rglob("*.aof"))
