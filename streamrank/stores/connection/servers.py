"""One server at a time: a plain one, or the master that the Sentinels name at the moment."""

import asyncio
import threading
from typing import Any, Protocol
from weakref import WeakKeyDictionary

import numpy as np
import redis
import redis.asyncio
from redis.asyncio.retry import Retry as AsyncRetry
from redis.asyncio.sentinel import Sentinel as AsyncSentinel
from redis.backoff import NoBackoff
from redis.exceptions import AskError
from redis.retry import Retry
from redis.sentinel import Sentinel

from streamrank.stores.connection.options import ConnectionOptions
from streamrank.stores.connection.requests import Request
from streamrank.stores.connection.talk import Batch

SERVER = "server"


class Servers(Protocol):
    """known: whether it is known which servers there are. standby: whether another takes over from a dead one."""

    known: bool
    standby: bool

    def refresh(self) -> None: ...

    def masters(self) -> list[Any]: ...

    def units(self, request: Request) -> int:
        """In how many pieces a request is asked, each with an answer of its own."""
        ...

    def plan(self, request: Request, units: np.ndarray, redirected: dict[int, AskError]) -> dict[Any, list[Batch]]:
        """What to send to which server for the given units; redirected: units that a server sent on."""
        ...

    def pool(self, server: Any) -> redis.ConnectionPool: ...

    def async_pool(self, server: Any) -> redis.asyncio.ConnectionPool: ...

    def close(self) -> None: ...

    async def close_async(self) -> None: ...


class PerLoop:
    """A value for each running event loop, since a connection cannot outlive the loop it was opened on."""

    def __init__(self, make) -> None:
        self._make, self._values, self._lock = make, WeakKeyDictionary(), threading.Lock()

    def get(self, *key: Any) -> Any:
        with self._lock:
            values = self._values.setdefault(asyncio.get_running_loop(), {})
            if key not in values:
                values[key] = self._make(*key)
            return values[key]

    def pop(self) -> list[Any]:
        """Those of the running loop, forgotten."""
        with self._lock:
            return list(self._values.pop(asyncio.get_running_loop(), {}).values())


class SingleServer:
    def __init__(self, options: ConnectionOptions) -> None:
        self.known, self.standby = True, options.redis_type == "redis_sentinel"
        self._options = options
        self._pool = client(options, redis.Redis, Sentinel, Retry(NoBackoff(), 0)).connection_pool
        self._async_pools = PerLoop(
            lambda: client(options, redis.asyncio.Redis, AsyncSentinel, AsyncRetry(NoBackoff(), 0)).connection_pool
        )

    def refresh(self) -> None:
        self.known = True  # a Sentinel is asked anew whenever a connection is opened

    def masters(self) -> list[str]:
        return [SERVER]

    def units(self, request: Request) -> int:
        return len(request.spans())

    def plan(self, request: Request, units: np.ndarray, redirected: dict[int, AskError]) -> dict[str, list[Batch]]:
        spans = request.spans()
        batches = [Batch(request.many(*spans[unit]), [int(unit)]) for unit in units]
        if request.preamble and batches:
            batches[0].precede(request.preamble)
        return {SERVER: batches}

    def pool(self, server: str) -> redis.ConnectionPool:
        return self._pool

    def async_pool(self, server: str) -> redis.asyncio.ConnectionPool:
        return self._async_pools.get()

    def close(self) -> None:
        self._pool.disconnect()

    async def close_async(self) -> None:
        for pool in self._async_pools.pop():
            await pool.disconnect()


def client(options: ConnectionOptions, plain: type, sentinel: type, retry: Any, node: Any = None) -> Any:
    parameters = {"retry": retry, **dict(options.parameters)}
    if options.redis_type == "redis_sentinel":
        sockets = {name: value for name, value in parameters.items() if name.startswith("socket_")}
        asking = {"retry": retry, **(parameters.pop("sentinel_kwargs", None) or sockets)}
        return sentinel(list(options.nodes), sentinel_kwargs=asking, **parameters).master_for(options.sentinel_master)
    if options.socket:
        return plain(unix_socket_path=options.socket, **parameters)
    host, port = node or options.nodes[0]
    return plain(host=host, port=port, **parameters)
