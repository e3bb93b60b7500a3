"""Talking to servers, blocking or not: the same steps, described once as a generator, run by either of two drivers.

A step is a `Talk` with some servers, a `Pause` or a `Refresh` of what is known of them. To each server its next batch
is sent before the replies to the one before are read, so that all work at once and neither side's buffers fill up.
A connection that fails in the middle of a talk is closed, so nobody ever reads the replies meant for another.
"""

import asyncio
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from redis.exceptions import RedisError, ResponseError

from streamrank.stores.connection.replies import arrived

T = TypeVar("T")
Steps = Generator[Any, Any, T]


@dataclass
class Batch:
    """payload: commands. units: what is asked for, by number; each is answered by `replies_each` replies, the last of
    which counts, after `preamble` replies that do not. replies: one a unit; an exception where an error came back."""

    payload: bytes
    units: Sequence[int]
    preamble: int = 0
    replies_each: int = 1
    replies: list[Any] = field(default_factory=list)

    @property
    def expected(self) -> int:
        return self.preamble + self.replies_each * len(self.units)

    def precede(self, command: bytes) -> None:
        self.payload, self.preamble = command + self.payload, 1


@dataclass
class Side:
    """One server's side of a talk. failure: what ended it early; batches not answered have no replies then."""

    server: Any
    batches: list[Batch]
    fatal: Callable[[Exception], bool]
    failure: Exception | None = None
    ended: bool = False

    def judge(self, replies: list[Any]) -> None:
        """Sends nothing more once an answer says that more is in vain."""
        self.ended = self.ended or any(isinstance(reply, Exception) and self.fatal(reply) for reply in replies)


@dataclass
class Talk:
    sides: list[Side]
    pools: Callable[[Any], Any]
    async_pools: Callable[[Any], Any]

    def run(self, meanwhile: Callable[[], object] | None = None) -> None:
        """meanwhile: called once all is sent, before the last replies are waited for."""
        lines = [_Line(side, self.pools) for side in self.sides]
        last = max(len(side.batches) for side in self.sides)
        try:
            for number in range(1 + last):
                for line in lines:
                    line.send(number)
                if meanwhile is not None and number == max(last - 1, 0):
                    meanwhile()
                for line in lines:
                    line.read(number - 1)
        finally:
            for line in lines:
                line.close()

    async def run_async(self) -> None:
        if len(self.sides) == 1:
            await _converse(self.sides[0], self.async_pools)
            return
        async with asyncio.TaskGroup() as group:
            for side in self.sides:
                group.create_task(_converse(side, self.async_pools))


@dataclass(frozen=True)
class Pause:
    seconds: float

    def run(self) -> None:
        time.sleep(self.seconds)

    async def run_async(self) -> None:
        await asyncio.sleep(self.seconds)


@dataclass(frozen=True)
class Refresh:
    """A blocking look at which servers there are."""

    refresh: Callable[[], None]

    def run(self) -> None:
        self.refresh()

    async def run_async(self) -> None:
        await asyncio.to_thread(self.refresh)


def drive(steps: Steps[T], meanwhile: Callable[[], object] | None = None) -> T:
    """Runs the steps, blocking. meanwhile: called while the first replies are on their way; not where none are. What it
    raises ends the talk and is raised, also where the same error of a server would be tried again."""
    beside = partial(_apart, meanwhile) if meanwhile else None
    try:
        step = next(steps)
        while True:
            try:
                if isinstance(step, Talk):
                    once, beside = beside, None
                    outcome = step.run(once)
                else:
                    outcome = step.run()
            except RedisError as error:
                step = steps.throw(error)
            else:
                step = steps.send(outcome)
    except StopIteration as end:
        return end.value
    except _Failed as failed:
        raise failed.error from None


async def drive_async(steps: Steps[T]) -> T:
    """Runs the steps on the running event loop."""
    try:
        step = next(steps)
        while True:
            try:
                outcome = await step.run_async()
            except RedisError as error:
                step = steps.throw(error)
            else:
                step = steps.send(outcome)
    except StopIteration as end:
        return end.value


class _Failed(Exception):
    """error: of what was done meanwhile."""

    def __init__(self, error: RedisError) -> None:
        super().__init__(str(error))
        self.error = error


def _apart(meanwhile: Callable[[], object]) -> None:
    try:
        meanwhile()
    except RedisError as error:  # not one of this talk
        raise _Failed(error) from error


class _Line:
    """One connection for the length of a talk."""

    def __init__(self, side: Side, pools: Callable[[Any], Any]) -> None:
        self.side, self.pools, self.connection, self.pool, self.open = side, pools, None, None, 0

    def send(self, number: int) -> None:
        side = self.side
        if side.failure or side.ended or number >= len(side.batches):
            return
        try:
            if self.connection is None:
                self.pool = self.pools(side.server)
                self.connection = self.pool.get_connection()
            self.open += 1  # a health check reads a reply, so none may be on its way
            self.connection.send_packed_command([side.batches[number].payload], check_health=self.open == 1)
        except RedisError as error:
            side.failure = error

    def read(self, number: int) -> None:
        if self.side.failure or not 0 <= number < len(self.side.batches) or not self.open:
            return
        batch, replies = self.side.batches[number], []
        try:
            while (missing := batch.expected - len(replies)) > 0:
                try:
                    replies.append(self.connection.read_response(disable_decoding=True))
                except ResponseError as error:
                    replies.append(error)
                replies += arrived(self.connection, missing - 1)
        except RedisError as error:
            self.side.failure = error
            return
        self.open -= 1
        _settle(self.side, batch, replies)

    def close(self) -> None:
        """Back to the pool; closed first when a reply is still to come."""
        if self.connection is not None:
            if self.open:
                self.connection.disconnect()
            self.pool.release(self.connection)


async def _converse(side: Side, pools: Callable[[Any], Any]) -> None:
    pool, connection, unread = None, None, 0
    try:
        pool = pools(side.server)
        connection = await pool.get_connection()
        for number in range(len(side.batches) + 1):
            if number < len(side.batches) and not side.ended:
                unread += 1
                await connection.send_packed_command(side.batches[number].payload, check_health=unread == 1)
            if number and unread:
                await _hear(side, side.batches[number - 1], connection)
                unread -= 1
    except RedisError as error:
        side.failure = error
    finally:
        if connection is not None:
            if unread:
                await connection.disconnect(nowait=True)
            await pool.release(connection)


async def _hear(side: Side, batch: Batch, connection: Any) -> None:
    replies = []
    while (missing := batch.expected - len(replies)) > 0:
        try:
            replies.append(await connection.read_response(disable_decoding=True))
        except ResponseError as error:
            replies.append(error)
        replies += arrived(connection, missing - 1)
    _settle(side, batch, replies)


def _settle(side: Side, batch: Batch, replies: list[Any]) -> None:
    if batch.preamble and isinstance(replies[0], Exception):
        side.failure, side.ended = replies[0], True
    batch.replies = replies[batch.preamble :][batch.replies_each - 1 :: batch.replies_each]
    side.judge(batch.replies)
