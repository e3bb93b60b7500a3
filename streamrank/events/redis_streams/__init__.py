"""The event bus on Redis Streams, the embedded default.

Publishing, stamping and deduplication are one script on the server, so any number of processes may publish at once.
What an ACL user needs, on keys `~streamrank!bus:*`:
`+evalsha +script|load +get +set +hget +hmget +hset +hdel +hvals +hgetall +sadd +smismember +unlink +time +xadd +xrange
+xrevrange +xtrim`.
"""

from datetime import timedelta

import pyarrow as pa

from streamrank.events.redis_streams.append import APPEND_LUA
from streamrank.events.redis_streams.streams import RedisStreams
from streamrank.settings import settings
from streamrank.stores.connection import Connection

__all__ = ["APPEND_LUA", "RedisStreams", "redis_bus"]


def redis_bus(
    connection: Connection, project: str, schema: pa.Schema, horizon: timedelta | None = None,
    limit_bytes: int | None = None, patience: timedelta | None = None,
) -> RedisStreams:  # fmt: skip
    """The bus of `project` on a server.

    connection: of the online store (`store.connection(config)`), or `connect(ConnectionOptions.parse("host:port"))`.
    schema: the columns of events; with or without arrived_at, shard and log_position, which the bus adds, behind the
    others where they are missing. It has event_id (string) and event_time (timestamp[us, UTC]).
    horizon: how long an event_id is remembered, at least, and at most a quarter longer. limit_bytes: of events held,
    evenly by shard. patience: how long a publisher waits while the bus is full before BusFull. All three default to the
    settings (STREAMRANK_BUS_*).
    """
    chosen = settings()
    return RedisStreams(
        connection, project, schema,
        chosen.bus_horizon if horizon is None else horizon,
        chosen.bus_limit_bytes if limit_bytes is None else limit_bytes,
        chosen.bus_patience if patience is None else patience,
    )  # fmt: skip
