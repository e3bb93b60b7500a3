"""The sides of materialization: `FeatureStore.materialize` of ours and stock, and bare compare-and-set writes."""

import socket
from pathlib import Path

import numpy as np
import redis

from benchmarks.agreement import same
from benchmarks.materialize import world
from benchmarks.spent import Spent, spending

ROWS_A_CALL, CALLS_AHEAD = 64, 16
CHECKED_AT_A_TIME = 100_000
COMPARE_AND_SET = b"""
local answers = {}
for i = 1, #KEYS do
  local held = redis.call('GETRANGE', KEYS[i], 0, 15)
  if #held == 16 and held > string.sub(ARGV[i], 1, 16) then answers[i] = '0'
  else redis.call('SET', KEYS[i], ARGV[i]); answers[i] = '1' end
end
return table.concat(answers)
"""


def feast(side: str, folder: str, port: int, keys: int) -> dict:
    """`FeatureStore.materialize` of all rows."""
    from benchmarks.stores import feature_store

    store = feature_store(side, Path(folder), port)
    store.apply(world.definitions(Path(folder)))
    with spending() as spent:
        store.materialize(*world.span())
    return _figures(spent, keys)


def bare(folder: str, port: int, keys: int) -> dict:
    """The practical limit: requests of ready bytes, each 64 compare-and-set writes, sent ahead of their answers."""
    client = redis.Redis(port=port)
    digest = client.script_load(COMPARE_AND_SET).encode()
    requests = _requests(digest, keys, np.random.default_rng(3))
    with socket.create_connection(("127.0.0.1", port)) as line, spending() as spent:
        stored = _sent(line, requests)
    if stored != keys:
        raise AssertionError(f"the bare writes stored {stored} of {keys} keys")
    return _figures(spent, keys)


def served(side: str, folder: str, port: int, keys: int) -> bool:
    """Whether every key's every value in the online store is the latest row's."""
    from benchmarks.stores import feature_store

    store = feature_store(side, Path(folder), port)
    read = _packed if side == "ours" else _asked
    step = CHECKED_AT_A_TIME if side == "ours" else 5_000
    return all(_same_as_latest(folder, store, read, begin, min(step, keys - begin)) for begin in range(0, keys, step))


def _same_as_latest(folder: str, store, read, begin: int, count: int) -> bool:
    rows = world.latest(folder, begin, count)
    expected = np.stack([rows[name].to_numpy() for name in world.FEATURES], axis=1)
    return len(expected) == count and same(read(store, rows[world.KEY]), expected)


def _packed(store, ids) -> np.ndarray:
    from streamrank.stores.reader import OnlineReader

    reader = OnlineReader(store, [f"{world.VIEW}:{name}" for name in world.FEATURES])
    return reader.read({world.KEY: ids.to_numpy()}).matrix


def _asked(store, ids) -> np.ndarray:
    answer = store.get_online_features(
        [f"{world.VIEW}:{name}" for name in world.FEATURES], {world.KEY: ids.to_pylist()}
    ).to_dict()
    return np.stack([np.array(answer[name], np.float32) for name in world.FEATURES], axis=1)


def _figures(spent: Spent, keys: int) -> dict:
    return {"keys": keys, **spent.figures(), "keys_per_s": round(keys / spent.seconds, 1)}


def _requests(digest: bytes, keys: int, rng: np.random.Generator) -> list[bytes]:
    """One EVALSHA for every 64 keys, as bytes; stamps are big endian, so that they compare as strings."""
    values = rng.random((keys, len(world.FEATURES)), dtype=np.float32)
    stamp = np.array(1_700_000_000_000_000, ">i8").tobytes() * 2 + bytes(8)
    named = [b"bare:stats:%08d" % i for i in range(keys)]
    rows = [stamp + row.tobytes() for row in values]
    return [
        _request(digest, named[i : i + ROWS_A_CALL], rows[i : i + ROWS_A_CALL]) for i in range(0, keys, ROWS_A_CALL)
    ]


def _request(digest: bytes, keys: list[bytes], values: list[bytes]) -> bytes:
    words = [b"EVALSHA", digest, b"%d" % len(keys), *keys, *values]
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in words)


def _sent(line: socket.socket, requests: list[bytes]) -> int:
    """How many rows the answers say were stored; the answer to 64 rows is `$64`, 64 characters."""
    answers, stored = line.makefile("rb"), 0
    for begin in range(0, len(requests), CALLS_AHEAD):
        part = requests[begin : begin + CALLS_AHEAD]
        line.sendall(b"".join(part))
        for _ in part:
            length = int(answers.readline()[1:])
            stored += answers.read(length + 2).count(b"1")
    return stored
