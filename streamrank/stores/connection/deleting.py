"""Removing all keys of a prefix in small steps, so that the server goes on answering others."""

import re
from typing import Any

import pyarrow as pa
from redis.exceptions import RedisError

from streamrank.stores.connection import wire
from streamrank.stores.connection.asking import GaveUp, talk
from streamrank.stores.connection.servers import Servers
from streamrank.stores.connection.talk import Batch, Refresh, Steps

SCAN_KEYS = b"1000"


def delete(servers: Servers, prefix: bytes) -> Steps[int]:
    """How many keys were removed. Raises GaveUp."""
    pattern = re.sub(rb"([*?\[\]\\])", rb"\\\1", prefix) + b"*"
    try:
        if not servers.known:
            yield Refresh(servers.refresh)
        removed = 0
        for master in servers.masters():
            removed += yield from _delete_at(servers, master, pattern)
    except RedisError as error:
        raise GaveUp(error, []) from error
    return removed


def _delete_at(servers: Servers, master: Any, pattern: bytes) -> Steps[int]:
    removed, cursor = 0, b"0"
    while True:
        scan = wire.command(b"SCAN", cursor, b"MATCH", pattern, b"COUNT", SCAN_KEYS)
        ((cursor, keys),) = yield from _say(servers, master, scan, 1)
        if keys:
            unlinks = wire.glue(wire.head(2, b"UNLINK"), wire.bulk(pa.array(keys, pa.large_binary())))
            removed += sum((yield from _say(servers, master, wire.span(unlinks, 0, len(keys)).tobytes(), len(keys))))
        if cursor == b"0":
            return removed


def _say(servers: Servers, master: Any, payload: bytes, replies: int) -> Steps[list[Any]]:
    (side,) = yield from talk(servers, {master: [Batch(payload, range(replies))]})
    for reply in [side.failure, *side.batches[0].replies]:
        if isinstance(reply, Exception):
            raise reply
    return side.batches[0].replies
