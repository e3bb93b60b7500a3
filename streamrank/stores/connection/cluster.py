"""A cluster: redis-py's map of slots and nodes, each key's command to the master of its slot, all masters at once."""

import threading
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import redis
import redis.asyncio
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.cluster import PRIMARY, ClusterNode, NodesManager
from redis.exceptions import AskError, ClusterDownError, MovedError, RedisClusterException
from redis.retry import Retry

from streamrank.stores.connection import wire
from streamrank.stores.connection.options import ConnectionOptions
from streamrank.stores.connection.requests import Request
from streamrank.stores.connection.servers import PerLoop, client
from streamrank.stores.connection.slots import SLOTS, slots
from streamrank.stores.connection.talk import Batch

ROWS = 500  # commands sent before their replies are read
ASKING = wire.command(b"ASKING")
Address = tuple[str, int]


class Cluster:
    standby = True

    def __init__(self, options: ConnectionOptions) -> None:
        self.known, self._options = False, options
        self._nodes: NodesManager | None = None
        self._map: tuple[list[Address], np.ndarray] = [], np.full(SLOTS, -1)
        self._pools: dict[Address, redis.ConnectionPool] = {}
        self._async_pools = PerLoop(self._open_async)
        self._pools_lock, self._refresh_lock = threading.Lock(), threading.Lock()

    def refresh(self) -> None:
        """Asks the nodes which slots they hold. Raises redis.RedisError when none tells."""
        with self._refresh_lock:
            if self.known:  # another thread has just asked
                return
            try:
                if self._nodes is None:
                    start = [ClusterNode(host, port) for host, port in self._options.nodes]
                    self._nodes = NodesManager(start, **dict(self._options.parameters))
                else:
                    self._nodes.initialize()
            except RedisClusterException as error:
                raise _root(error) from error
            masters = [(node.host, node.port) for node in self._nodes.get_nodes_by_server_type(PRIMARY)]
            self._map = masters, _owners(self._nodes, masters)
            self.known = True

    def masters(self) -> list[Address]:
        return self._map[0]

    def units(self, request: Request) -> int:
        return len(request.keys)

    def plan(self, request: Request, units: np.ndarray, redirected: dict[int, AskError]) -> dict[Address, list[Batch]]:
        commands = request.each()
        plan: dict[Address, list[Batch]] = {}
        for address, rows in self._places(request.keys, units, redirected).items():
            plan[address] = [_batch(commands, rows[at : at + ROWS]) for at in range(0, len(rows), ROWS)]
        for unit, error in redirected.items():
            payload = commands[unit].as_py()
            asking = not isinstance(error, MovedError)
            batch = Batch(ASKING + payload, [unit], replies_each=2) if asking else Batch(payload, [unit])
            plan.setdefault(error.node_addr, []).append(batch)
        if request.preamble:
            for batches in plan.values():
                batches[0].precede(request.preamble)
        return plan

    def _places(self, keys: pa.LargeBinaryArray, units: np.ndarray, redirected: dict[int, Any]) -> dict[Address, Any]:
        masters, owners = self._map
        units = units[~np.isin(units, list(redirected))] if redirected else units
        held = slots(keys if len(units) == len(keys) else keys.take(pa.array(units)))
        owner = owners[held]
        if (owner < 0).any():
            raise ClusterDownError(f"no master serves slot {held[owner < 0][0]}")
        order = np.argsort(owner, kind="stable")
        ends = np.searchsorted(owner[order], np.arange(len(masters) + 1))
        parts = [units[order[start:stop]] for start, stop in pairwise(ends)]
        return {master: rows for master, rows in zip(masters, parts, strict=True) if len(rows)}

    def pool(self, address: Address) -> redis.ConnectionPool:
        with self._pools_lock:
            if address not in self._pools:
                retry = Retry(NoBackoff(), 0)
                self._pools[address] = client(self._options, redis.Redis, None, retry, address).connection_pool
            return self._pools[address]

    def async_pool(self, address: Address) -> redis.asyncio.ConnectionPool:
        return self._async_pools.get(address)

    def _open_async(self, address: Address) -> redis.asyncio.ConnectionPool:
        return client(self._options, redis.asyncio.Redis, None, AsyncRetry(NoBackoff(), 0), address).connection_pool

    def close(self) -> None:
        with self._refresh_lock, self._pools_lock:
            for pool in self._pools.values():
                pool.disconnect()
            if self._nodes is not None:
                self._nodes.close()
                self._nodes, self.known = None, False

    async def close_async(self) -> None:
        for pool in self._async_pools.pop():
            await pool.disconnect()


def _batch(commands: pa.LargeBinaryArray, rows: np.ndarray) -> Batch:
    chosen = commands.take(pa.array(rows))
    return Batch(wire.span(chosen, 0, len(rows)).tobytes(), rows.tolist())


def _owners(nodes: NodesManager, masters: list[Address]) -> np.ndarray:
    """int64 [SLOTS]: the number of the master that holds each slot, -1 where none does."""
    number = {address: place for place, address in enumerate(masters)}
    owners = np.full(SLOTS, -1)
    for slot, (master, *_) in nodes.slots_cache.items():
        owners[slot] = number.get((master.host, master.port), -1)
    return owners


def _root(error: BaseException) -> redis.RedisError:
    """What redis-py's account of a cluster that cannot be asked goes back to."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, redis.RedisError):
        cause = cause.__cause__ or cause.__context__
    return cause or redis.ConnectionError(str(error))
