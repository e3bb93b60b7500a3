"""Asking until every piece of a request has its answer: what is retried, for how long, and what ends it.

Every request may be sent twice without harm: a read reads, and a compare-and-set that is repeated replaces by itself.
"""

import time
from typing import Any

import numpy as np
import redis
from redis.exceptions import (
    AskError,
    AuthenticationError,
    BusyLoadingError,
    ClusterDownError,
    ConnectionError,
    MasterDownError,
    MovedError,
    NoScriptError,
    ReadOnlyError,
    ResponseError,
    TryAgainError,
)

from streamrank.stores.connection.requests import Request
from streamrank.stores.connection.servers import Servers
from streamrank.stores.connection.talk import Batch, Pause, Refresh, Side, Steps, Talk

PATIENCE_SECONDS = 10.0  # a failover and a short load take seconds
PAUSES = (0.0, 0.05, 0.1, 0.2, 0.4)
PASSING = (BusyLoadingError, ClusterDownError, MasterDownError, ReadOnlyError, TryAgainError)
ELSEWHERE = (MovedError, AskError, NoScriptError)


class GaveUp(Exception):
    """cause: the error that ended it. answers: one a unit, None where there is none."""

    def __init__(self, cause: Exception, answers: list[Any]) -> None:
        super().__init__(str(cause))
        self.cause, self.answers = cause, answers


def ask(servers: Servers, request: Request) -> Steps[list[Any]]:
    """The answer to each unit of `request`. Raises GaveUp."""
    units, answers = range(0), []
    deadline, rounds, redirected = time.monotonic() + PATIENCE_SECONDS, 0, {}
    while True:
        trouble: Exception | None = None
        try:
            if not servers.known:
                yield Refresh(servers.refresh)
            if not rounds:
                units, answers = range(servers.units(request)), [None] * servers.units(request)
            if not len(units):
                return answers
            plan = servers.plan(request, np.array(units), redirected)
            sides = yield from talk(servers, plan)
            units, redirected, trouble = _harvest(sides, answers)
        except redis.RedisError as error:
            trouble = error
        if trouble is None:
            return answers
        if not worth_retrying(trouble, servers.standby, rounds, deadline):
            raise GaveUp(trouble, answers) from trouble
        yield from recover(servers, trouble, rounds)
        rounds += 1


def recover(servers: Servers, trouble: Exception, rounds: int) -> Steps[None]:
    """Waits a little, longer from round to round, and has the servers looked up anew where they may have changed."""
    if isinstance(trouble, MovedError) or not isinstance(trouble, ELSEWHERE):
        servers.known = servers.known and not servers.standby
    yield Pause(PAUSES[min(rounds, len(PAUSES) - 1)])


def talk(servers: Servers, plan: dict[Any, list[Batch]]) -> Steps[list[Side]]:
    sides = [Side(server, batches, _fatal) for server, batches in plan.items()]
    yield Talk(sides, servers.pool, servers.async_pool)
    return sides


def _harvest(sides: list[Side], answers: list[Any]) -> tuple[list[int], dict[int, AskError], Exception | None]:
    """Fills in the answers; which units are still open, which were redirected, and the worst trouble."""
    still, redirected, troubles = [], {}, []
    for side in sides:
        troubles += [side.failure] if side.failure else []
        for batch in side.batches:
            if not batch.replies:
                still += batch.units
            for unit, reply in zip(batch.units, batch.replies, strict=bool(batch.replies)):
                if not isinstance(reply, Exception):
                    answers[unit] = reply
                    continue
                still.append(unit)
                troubles.append(reply)
                if isinstance(reply, AskError):  # MovedError is one too
                    redirected[unit] = reply
    return still, redirected, max(troubles, key=_gravity, default=None)


def _gravity(error: Exception) -> int:
    if _fatal(error):
        return 3
    return 2 if not isinstance(error, ELSEWHERE) else 1 if isinstance(error, MovedError) else 0


def _fatal(error: Exception) -> bool:
    """Nothing that trying again could cure."""
    if isinstance(error, AuthenticationError):
        return True
    return isinstance(error, ResponseError) and not isinstance(error, PASSING + ELSEWHERE)


def worth_retrying(error: Exception, standby: bool, rounds: int, deadline: float) -> bool:
    if _fatal(error) or time.monotonic() > deadline:
        return False
    if isinstance(error, (*PASSING, NoScriptError)) or standby:
        return True
    return isinstance(error, ConnectionError) and not rounds  # an idle connection that the server had closed
