"""The server as the online store sees it: fetch and put whole columns, hold the layouts, delete by prefix."""

from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np
import pyarrow as pa
from redis.exceptions import (
    AuthenticationError,
    ClusterCrossSlotError,
    MovedError,
    NoPermissionError,
    OutOfMemoryError,
    RedisError,
    ResponseError,
)

from streamrank.stores.connection import errors
from streamrank.stores.connection.asking import PASSING, GaveUp, ask
from streamrank.stores.connection.cluster import Cluster
from streamrank.stores.connection.deleting import delete
from streamrank.stores.connection.options import ConnectionOptions
from streamrank.stores.connection.requests import Command, Fetch, Put, Request, Script
from streamrank.stores.connection.servers import Servers, SingleServer
from streamrank.stores.connection.talk import Steps, drive, drive_async

HEADER_BYTES = 24


def connect(options: ConnectionOptions) -> "Connection":
    """A connection, opened when first used; safe to share between threads, event loops and forked processes."""
    servers = Cluster(options) if options.redis_type == "redis_cluster" else SingleServer(options)
    return Connection(options, servers)


class Connection:
    """Every method raises StoreUnreachable when no server answers, is ready or answers in time, and StoreDenied when
    the server refuses the user or the command."""

    def __init__(self, options: ConnectionOptions, servers: Servers) -> None:
        self.options, self._servers = options, servers

    def fetch(self, keys: pa.LargeBinaryArray, meanwhile: Callable[[], object] | None = None) -> pa.LargeBinaryArray:
        """The value of each key, null where there is none; one round trip, to all nodes of a cluster at once.

        keys: n, without nulls. Up to 1,000 go into one command, more are pipelined. meanwhile: called while the answer
        is on its way.
        """
        return drive(self._fetch(keys), meanwhile)

    async def fetch_async(self, keys: pa.LargeBinaryArray) -> pa.LargeBinaryArray:
        return await drive_async(self._fetch(keys))

    def put(
        self, keys: pa.LargeBinaryArray, values: pa.LargeBinaryArray, expire_ms: np.ndarray | None = None
    ) -> np.ndarray:
        """Stores packed values, each by an atomic compare-and-set on (event timestamp, created); an equal one replaces.

        keys, values: n, without nulls; a value has at least the 24 bytes of its header. expire_ms: int64 [n],
        milliseconds from now until the key is gone, 0 for never. Two rows of one key are taken in their order.
        Returns uint8 [n]: 1 stored, 0 refused, since the row there is newer. Raises StoreFull when
        the server runs out of memory; what was written stays, and writing again completes.
        """
        return drive(self._put(keys, values, expire_ms))

    async def put_async(
        self, keys: pa.LargeBinaryArray, values: pa.LargeBinaryArray, expire_ms: np.ndarray | None = None
    ) -> np.ndarray:
        return await drive_async(self._put(keys, values, expire_ms))

    def run_script(
        self, script: bytes, keys: pa.LargeBinaryArray, arguments: pa.LargeBinaryArray, after: Sequence[bytes] = ()
    ) -> list[Any]:
        """What the script answers, in the order of the keys: for some keys each (one server) or for each (a cluster).

        keys, arguments: n each, without nulls; KEYS are some of the keys, ARGV their arguments and then `after`. The
        script must do no harm when it is run again, and what it did to the keys before an error stays.
        """
        return drive(self._run_script(script, keys, arguments, after))

    def set_fields(self, key: bytes, fields: Mapping[bytes, bytes]) -> None:
        """Sets fields of the hash at `key`, keeping the others."""
        drive(self._set_fields(key, fields))

    async def set_fields_async(self, key: bytes, fields: Mapping[bytes, bytes]) -> None:
        await drive_async(self._set_fields(key, fields))

    def get_fields(self, key: bytes) -> dict[bytes, bytes]:
        """All fields of the hash at `key`; empty where there is none."""
        return drive(self._get_fields(key))

    async def get_fields_async(self, key: bytes) -> dict[bytes, bytes]:
        return await drive_async(self._get_fields(key))

    def ask(self, request: Request) -> list[Any]:
        """The answer to each piece of a request of one's own, such as a script; it may be sent twice."""
        return drive(self._ask(request, 0))

    def delete_prefix(self, prefix: bytes) -> int:
        """Removes every key that starts with `prefix`, on every master, in small steps; how many they were."""
        return drive(self._delete_prefix(prefix))

    async def delete_prefix_async(self, prefix: bytes) -> int:
        return await drive_async(self._delete_prefix(prefix))

    def close(self) -> None:
        """Closes this process's idle connections; using the connection again opens new ones."""
        self._servers.close()

    async def close_async(self) -> None:
        """Closes the connections of the running event loop."""
        await self._servers.close_async()

    def _fetch(self, keys: pa.LargeBinaryArray) -> Steps[pa.LargeBinaryArray]:
        answers = yield from self._ask(Fetch(keys), len(keys))
        if answers and isinstance(answers[0], list):  # joined before they are an array: else all bytes are copied twice
            answers = list(chain.from_iterable(answers))
        return pa.array(answers, pa.large_binary())

    def _put(self, keys: Any, values: Any, expire_ms: np.ndarray | None) -> Steps[np.ndarray]:
        _check(keys, values, expire_ms)
        answers = yield from self._ask(Put(keys, values, expire_ms), len(keys))
        return _verdicts(answers)

    def _run_script(self, script: bytes, keys: Any, arguments: Any, after: Sequence[bytes]) -> Steps[list[Any]]:
        if len(arguments) != len(keys):
            raise ValueError(f"script: expected an argument for each of {len(keys)} keys, found {len(arguments)}")
        return (yield from self._ask(Script(script, keys, arguments, after), len(keys)))

    def _set_fields(self, key: bytes, fields: Mapping[bytes, bytes]) -> Steps[None]:
        if fields:
            yield from self._ask(Command(b"HSET", key, *(word for pair in fields.items() for word in pair)), 1)

    def _get_fields(self, key: bytes) -> Steps[dict[bytes, bytes]]:
        (answer,) = yield from self._ask(Command(b"HGETALL", key), 1)
        return answer if isinstance(answer, dict) else dict(zip(answer[::2], answer[1::2], strict=True))

    def _delete_prefix(self, prefix: bytes) -> Steps[int]:
        try:
            return (yield from delete(self._servers, prefix))
        except GaveUp as end:
            raise self._error(end, "SCAN or UNLINK", 0) from end.cause

    def _ask(self, request: Any, rows: int) -> Steps[list[Any]]:
        try:
            return (yield from ask(self._servers, request))
        except GaveUp as end:
            raise self._error(end, request.name, rows) from end.cause

    def _error(self, end: GaveUp, command: str, rows: int) -> RedisError:
        cause = end.cause
        if isinstance(cause, OutOfMemoryError) or "OOM " in str(cause):
            written = _verdicts([answer for answer in end.answers if answer is not None]).sum() if rows else 0
            return errors.full(self.options, int(written), rows)
        if isinstance(cause, AuthenticationError | NoPermissionError) or "ACL failure" in str(cause):
            return errors.denied(self.options, cause, command)
        if isinstance(cause, MovedError | ClusterCrossSlotError) and not self._servers.standby:
            return errors.a_cluster(self.options)
        if isinstance(cause, ResponseError) and not isinstance(cause, PASSING):
            return ResponseError(f"Redis at {self.options.address} cannot do {command}: {cause}")
        return errors.unreachable(self.options, cause)


def _verdicts(answers: list[bytes]) -> np.ndarray:
    return np.frombuffer(b"".join(answers), np.uint8) - ord("0")


def _check(keys: pa.LargeBinaryArray, values: pa.LargeBinaryArray, expire_ms: np.ndarray | None) -> None:
    if len(values) != len(keys):
        raise ValueError(f"put: expected a value for each of {len(keys)} keys, found {len(values)}")
    if len(values) and pa.compute.min(pa.compute.binary_length(values)).as_py() < HEADER_BYTES:
        raise ValueError(f"put: expected packed values of at least {HEADER_BYTES} bytes, found a shorter one")
    if expire_ms is not None and (len(expire_ms) != len(keys) or (np.asarray(expire_ms) < 0).any()):
        raise ValueError("put: expected expire_ms of milliseconds >= 0, one a key")
