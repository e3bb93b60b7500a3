"""Buses for tests: a short schema, events from numbers, and the plain model that a bus is held against."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta

import numpy as np
import pyarrow as pa

from streamrank.events.redis_streams import RedisStreams, redis_bus
from streamrank.events.shards import SHARDS, shard_of
from streamrank.stores.connection import Connection, ConnectionOptions, connect

INSTANT = pa.timestamp("us", "UTC")
SCHEMA = pa.schema([
    pa.field("event_id", pa.string(), nullable=False), pa.field("event_time", INSTANT, nullable=False),
    pa.field("user_id", pa.string()), pa.field("topics", pa.list_(pa.string())), pa.field("value", pa.float64()),
])  # fmt: skip
HORIZON = timedelta(seconds=4)
SPAN_US = 1_000_000  # of a generation of ids


def a_bus(server: str | Connection, project: str | None = None, **limits) -> RedisStreams:
    """A bus of a project of its own; ids are remembered for 4 seconds at least and 5 at most."""
    connection = connect(ConnectionOptions.parse(server)) if isinstance(server, str) else server
    return redis_bus(connection, project or uuid.uuid4().hex, SCHEMA, **{"horizon": HORIZON} | limits)


def events(ids: Iterable[str], users: Iterable[str], time_us: int = 0) -> pa.Table:
    ids, users = list(ids), list(users)
    return pa.table(
        [ids, pa.array([time_us] * len(ids), INSTANT), users, [[user, "x"] for user in users], np.arange(len(ids)) / 8],
        schema=SCHEMA,
    )


def many(count: int, users: int = 300, prefix: str | None = None) -> pa.Table:
    """Events with ids of their own by so many users."""
    prefix = prefix or uuid.uuid4().hex
    return events((f"{prefix}-{n}" for n in range(count)), (str(n % users) for n in range(count)))


def rows(table: pa.Table | None) -> list[tuple[str, int]]:
    """(event_id, log_position) of each row."""
    return list(zip(table["event_id"].to_pylist(), table["log_position"].to_pylist(), strict=True)) if table else []


@dataclass
class Model:
    """A bus in plain Python, one event at a time."""

    taken: list[list[tuple[str, int]]] = field(default_factory=lambda: [[] for _ in range(SHARDS)])
    last: list[int] = field(default_factory=lambda: [0] * SHARDS)
    remembered: list[dict[str, int]] = field(default_factory=lambda: [{} for _ in range(SHARDS)])

    def publish(self, now: int, ids: Iterable[str], users: Iterable[str]) -> tuple[list[int], list[bool]]:
        """Positions and duplicates, as Published has them. All events of a call that are of one shard belong to the
        generation of the first of them."""
        generation, positions = {}, []
        for event_id, user in zip(ids, users, strict=True):
            shard = shard_of(user)
            if shard not in generation:
                generation[shard] = max(now, self.last[shard] + 1, 1) // SPAN_US
            born = self.remembered[shard].get(event_id)
            if born is not None and generation[shard] - born <= 4:
                positions.append(0)
                continue
            self.last[shard] = max(now, self.last[shard] + 1, 1)
            self.remembered[shard][event_id] = generation[shard]
            self.taken[shard].append((event_id, self.last[shard]))
            positions.append(self.last[shard])
        return positions, [position == 0 for position in positions]
