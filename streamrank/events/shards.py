"""Shards and stamps: which shard an event belongs to, and the position it gets there."""

import hashlib

import duckdb
import numpy as np
import pyarrow as pa

SHARDS = 16
FEW = 30_000
NEVER = np.iinfo(np.int64).min // 2  # the last position of a shard that has none: any instant lies above it


def shard_of(key: str) -> int:
    """The shard of one key, the same in every process and on every machine."""
    return int.from_bytes(hashlib.md5(key.encode(), usedforsecurity=False).digest()[8:], "little") % SHARDS


def shards_of(keys: pa.Array | pa.ChunkedArray) -> np.ndarray:
    """The shards of string keys [n], int32 [n]; equal to `shard_of` of each."""
    encoded = keys.dictionary_encode()
    encoded = encoded.combine_chunks() if isinstance(encoded, pa.ChunkedArray) else encoded
    distinct = encoded.dictionary.cast(pa.string())
    few = len(distinct) < FEW  # for so many a query costs more than it saves
    shards = np.array([shard_of(key) for key in distinct.to_pylist()], np.int32) if few else _queried(distinct)
    return shards[encoded.indices.to_numpy()] if len(keys) else np.zeros(0, np.int32)


def _queried(keys: pa.Array) -> np.ndarray:
    rows = pa.table({"key": keys})
    with duckdb.connect(config={"threads": 2}) as connection:
        connection.register("rows", rows)
        found = connection.sql(f"SELECT (md5_number_lower(key) % {SHARDS})::INT AS shard FROM rows")
        return found.to_arrow_table()["shard"].to_numpy()


def stamp(arrived_us: np.ndarray, shards: np.ndarray, last: np.ndarray) -> np.ndarray:
    """Positions int64 [n] in whole microseconds: per shard strictly increasing, max(arrival, last + 1).

    arrived_us: int64 [n], in the order in which the events are taken. shards: int [n], each below SHARDS.
    last: int64 [SHARDS], the last position already given in each shard, NEVER where there is none.
    Within a shard an event that arrives no later than the one before it is moved to one microsecond behind it.
    """
    positions = np.empty(len(arrived_us), dtype=np.int64)
    for shard in range(SHARDS):
        places = np.flatnonzero(shards == shard)
        steps = np.arange(len(places), dtype=np.int64)
        # p[i] = max(a[i], p[i-1] + 1) is a running maximum once each event's own step is taken off.
        floor = np.maximum(arrived_us[places] - steps, last[shard] + 1)
        positions[places] = np.maximum.accumulate(floor) + steps
    return positions
