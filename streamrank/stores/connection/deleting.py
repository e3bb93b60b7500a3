"""Removing all keys of a prefix in small steps, so that the server goes on answering others."""

import re
import time
from typing import Any

import pyarrow as pa
from redis.exceptions import RedisError

from streamrank.stores.connection import wire
from streamrank.stores.connection.asking import PATIENCE_SECONDS, GaveUp, recover, talk, worth_retrying
from streamrank.stores.connection.servers import Servers
from streamrank.stores.connection.talk import Batch, Refresh, Steps

SCAN_KEYS = b"1000"


def delete(servers: Servers, prefix: bytes) -> Steps[int]:
    """How many keys were removed. Raises GaveUp."""
    pattern = re.sub(rb"([*?\[\]\\])", rb"\\\1", prefix) + b"*"
    removed, rounds, deadline = [], 0, time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            if not servers.known:
                yield Refresh(servers.refresh)
            for master in servers.masters():
                yield from _delete_at(servers, master, pattern, removed)
            return sum(removed)
        except RedisError as error:
            if not worth_retrying(error, servers.standby, rounds, deadline):
                raise GaveUp(error, []) from error
            yield from recover(servers, error, rounds)
            rounds += 1


def _delete_at(servers: Servers, master: Any, pattern: bytes, removed: list[int]) -> Steps[None]:
    cursor = b"0"
    while True:
        scan = wire.command(b"SCAN", cursor, b"MATCH", pattern, b"COUNT", SCAN_KEYS)
        ((cursor, keys),) = yield from _say(servers, master, scan, 1)
        if keys:
            unlinks = wire.glue(wire.head(2, b"UNLINK"), wire.bulk(pa.array(keys, pa.large_binary())))
            removed += yield from _say(servers, master, wire.span(unlinks, 0, len(keys)).tobytes(), len(keys))
        if cursor == b"0":
            return


def _say(servers: Servers, master: Any, payload: bytes, replies: int) -> Steps[list[Any]]:
    (side,) = yield from talk(servers, {master: [Batch(payload, range(replies))]})
    for reply in [side.failure, *side.batches[0].replies]:
        if isinstance(reply, Exception):
            raise reply
    return side.batches[0].replies
