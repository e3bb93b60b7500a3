"""The event bus: what every bus gives, whatever carries it.

Events are spread over SHARDS shards by a key. The bus alone says what happened when: it stamps every event that it
takes with a position, strictly increasing in its shard, and takes an event_id once within its horizon. A position is
the instant of arrival in microseconds, max(clock, last + 1). What was taken is the truth; nothing behind the bus drops
or deduplicates again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

import numpy as np
import pyarrow as pa


@dataclass(frozen=True)
class Published:
    """What became of n offered events, in their order.

    positions: int64 [n], 0 where the event was not taken. duplicate: bool [n], its event_id had been taken before.
    """

    positions: np.ndarray
    duplicate: np.ndarray

    @property
    def taken(self) -> np.ndarray:
        """bool [n]"""
        return self.positions > 0


class BusFull(Exception):
    """The bus stayed over its size limit for as long as a publisher was prepared to wait.

    published: what was taken before; offering all events again takes the others, and these once.
    """

    def __init__(self, message: str, published: Published) -> None:
        super().__init__(message)
        self.published = published


class Trimmed(Exception):
    """A range was asked for of which a part has been trimmed away."""


@dataclass(frozen=True)
class Sight:
    """How far a bus has come, each of SHARDS. last: int64, the last position given. total: int64, events ever taken.
    marked: bool, it bears the mark that was expected. before: int64, events taken up to the position asked for."""

    last: np.ndarray
    total: np.ndarray
    marked: np.ndarray
    before: np.ndarray


class Lease(Protocol):
    def hold(self) -> bool:
        """Takes or renews the lease; False while another holds it."""
        ...

    def release(self) -> None:
        """Leaves it to the next one, if it is ours."""
        ...


class Bus(Protocol):
    schema: pa.Schema
    """Of the tables that are read: the events' columns with arrived_at, shard and log_position."""

    def publish(self, events: pa.Table, shard_keys: pa.Array) -> Published:
        """Appends events, in their order within a shard; BusFull where the bus is full and stays so.

        events: n rows of the schema's columns without the stamps; one that is left out is null. event_id: string, no
        nulls, of at most one event within the horizon. shard_keys: string [n], no nulls. ValueError for other columns.
        """
        ...

    def read(self, after: Mapping[int, int], most: int, wait_ms: int = 0) -> dict[int, pa.Table]:
        """The events above a position, by shard, in one round trip; shards without any are left out.

        after: the position of each shard to read, NEVER for its beginning. most: about how many events to read in all,
        an equal part of each shard, at least one publisher's chunk where there is one. wait_ms: how long to wait
        while there are none. event_time is min(event_time, arrived_at).
        """
        ...

    def read_range(self, shard: int, first: int, last: int) -> pa.Table:
        """Exactly the events with first <= log_position <= last; Trimmed where some may be gone."""
        ...

    def ends(self) -> np.ndarray:
        """int64 [SHARDS]: the last position given, NEVER where none was."""
        ...

    def begin(self, last: np.ndarray) -> None:
        """Positions given from now on lie above `last`, int64 [SHARDS]; never lowers what is held."""
        ...

    def register(self, consumer: str, positions: Mapping[int, int]) -> None:
        """Has the bus keep what lies above `positions` until `consumer` has committed it; keeps what it committed."""
        ...

    def unregister(self, consumer: str) -> None:
        """Keeps nothing for `consumer` any more and forgets what it committed."""
        ...

    def committed(self, consumer: str) -> np.ndarray:
        """int64 [SHARDS]: the last position that `consumer` is done with, NEVER where it is not registered."""
        ...

    def commit(self, consumer: str, positions: Mapping[int, int]) -> None:
        """Says that `consumer` is done with everything up to these positions; never goes back. Registers it."""
        ...

    def trim(self) -> int:
        """Frees what every registered consumer is done with; how many bytes. Nothing while none is registered."""
        ...

    def size_bytes(self) -> int:
        """About how many bytes of events are held."""
        ...

    def sight(self, expected: str, mark: str, last: np.ndarray) -> Sight:
        """How far the bus has come, up to `last` (int64 [SHARDS]) and in all, and whether it bears the mark `expected`.

        Leaves `mark` instead, in the same step: a bus that comes back without it has lost what it took afterwards.
        """
        ...

    def lease(self, name: str, length: timedelta) -> Lease:
        """A lease on a task that one process does at a time; it runs out when it was not renewed for `length`."""
        ...
