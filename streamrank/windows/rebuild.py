"""Rebuilding a view: a new generation of its tiles from the log and the bus, while events keep arriving.

The generation is filled up to where the worker is, never beyond: from the log, then from the bus. Shard by shard it
then joins: for a moment no batch begins there, the rest is applied, and from the next batch on the worker applies
everything to it too. When all shards have it, one pointer is switched, so that no reader sees a mixture.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from urllib.parse import quote
from uuid import uuid4

import numpy as np

from streamrank.events.bus import Bus
from streamrank.events.log import EventLog
from streamrank.events.redis_streams.keys import project_key
from streamrank.events.shards import NEVER, SHARDS
from streamrank.stores.connection import Connection, StoreUnreachable
from streamrank.stream import generations
from streamrank.stream.generations import Generation
from streamrank.stream.scripts import call_keys
from streamrank.stream.views import StreamedView
from streamrank.windows.filling import Filling

logger = logging.getLogger(__name__)

HOLD_US, LOCK_MS = 5_000_000, 10_000
PATIENCE_SECONDS, PAUSE_SECONDS = 30.0, 0.01
SHARDS_AT_A_TIME = 4
LEFT_SECONDS = 86_400.0  # a generation that was never finished is deleted after a day
FEW_EVENTS, CATCHING_UP = 5_000, 20
UNLOCK = b"if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end return {1}"
RENEW = b"if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end return {1}"
LOCK = b"return {redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) and 1 or 0}"

Progress = Callable[[int, int], None]


class AlreadyRebuilding(RuntimeError):
    """Another process rebuilds the view."""


class RebuildBlocked(RuntimeError):
    """A shard has an open intent that no worker finishes."""


@dataclass(frozen=True)
class Rebuilt:
    """generation: the one that is read now. logged, streamed: how many events came from the log and from the bus."""

    generation: Generation
    logged: int
    streamed: int
    seconds: float


def rebuild(
    bus: Bus, connection: Connection, project: str, view: StreamedView, log: EventLog,
    progress: Progress = lambda done, total: None, meanwhile: Callable[[], object] = lambda: None,
) -> Rebuilt:  # fmt: skip
    """Fills a new generation of the view and has it read; the one before is deleted a minute later.

    progress: called with the events of the log that are done and their number. meanwhile: called while waiting for a
    worker. Raises AlreadyRebuilding, RebuildBlocked, and TornKey or Overflow where the view cannot be filled.
    """
    begin = time.monotonic()
    consumer = _consumer(view.name)
    with _alone(connection, project, view.name), _kept(bus, consumer):
        _retire_unfinished(connection, project, view)
        made = generations.new_generation(connection, project, view.name, view.fingerprint)
        generations.drop_later(connection, project, [made], LEFT_SECONDS)
        filling = Filling(bus, connection, project, view, log, made, consumer, progress)
        _catch_up(filling, connection, project)
        _join(filling, connection, project, meanwhile)
        generations.switch(connection, project, made)
        generations.keep(connection, project, made)
        _retire_others(connection, project, made)
    filling.close()
    return Rebuilt(made, filling.logged, filling.streamed, time.monotonic() - begin)


def let_bus_trim(bus: Bus, connection: Connection, project: str, view: str) -> None:
    """Ends what a rebuild that died has the bus keep; nothing while one is at work."""
    if (bus.committed(_consumer(view)) != NEVER).any():
        with suppress(AlreadyRebuilding), _alone(connection, project, view):
            bus.unregister(_consumer(view))


def _catch_up(filling: Filling, connection: Connection, project: str) -> None:
    """From the log and the bus to about where the worker is."""
    for _ in range(CATCHING_UP):
        committed = np.array([state.committed for state in generations.states(connection, project)])
        if filling.to(committed) <= FEW_EVENTS:
            return


def _join(filling: Filling, connection: Connection, project: str, meanwhile: Callable[[], object]) -> None:
    token, missing = uuid4().hex, list(range(SHARDS))
    try:
        _join_each(filling, connection, project, meanwhile, token, missing)
    finally:
        with suppress(StoreUnreachable):
            generations.let_go(connection, project, range(SHARDS), token)


def _join_each(
    filling: Filling, connection: Connection, project: str, meanwhile: Callable[[], object], token: str,
    missing: list[int],
) -> None:  # fmt: skip
    deadline = time.monotonic() + PATIENCE_SECONDS
    while missing:
        held = generations.hold(connection, project, missing[:SHARDS_AT_A_TIME], token, HOLD_US)
        if held:
            filling.to(_at(held))
            joined = generations.join(connection, project, token, held, filling.generation)
            missing = [shard for shard in missing if shard not in joined]
            deadline = time.monotonic() + PATIENCE_SECONDS if joined else deadline
        else:
            missing = missing[SHARDS_AT_A_TIME:] + missing[:SHARDS_AT_A_TIME]
            meanwhile()
            time.sleep(PAUSE_SECONDS)
        if missing and time.monotonic() > deadline:
            raise RebuildBlocked(
                f"view {filling.view.name!r}: shards {missing} have a batch open that no worker finishes within "
                f"{PATIENCE_SECONDS:.0f} s; start `streamrank stream`, then rebuild again"
            )


def _at(held: dict[int, int]) -> np.ndarray:
    """int64 [SHARDS]: the position to fill each shard to; NEVER where it is to stay as it is."""
    committed = np.full(SHARDS, NEVER)
    committed[list(held)] = list(held.values())
    return committed


def _retire_unfinished(connection: Connection, project: str, view: StreamedView) -> None:
    """What an earlier rebuild left behind when it ended in the middle."""
    read = generations.read_by(connection, project, view.name, view.fingerprint)
    for one in _of(connection, project, view.name):
        if one != read and one.fingerprint == view.fingerprint:
            generations.retire(connection, project, one)


def _retire_others(connection: Connection, project: str, made: Generation) -> None:
    for one in _of(connection, project, made.view):
        if one != made:
            generations.retire(connection, project, one)


def _of(connection: Connection, project: str, view: str) -> set[Generation]:
    states = generations.states(connection, project)
    return {one for state in states for one in state.generations if one.view == view}


@contextmanager
def _kept(bus: Bus, consumer: str) -> Iterator[None]:
    """Has the bus keep everything that the log may not have yet."""
    bus.unregister(consumer)
    bus.register(consumer, dict(enumerate(bus.committed("log").tolist())))
    try:
        yield
    finally:
        with suppress(StoreUnreachable):
            bus.unregister(consumer)


@contextmanager
def _alone(connection: Connection, project: str, view: str) -> Iterator[None]:
    """Raises AlreadyRebuilding where another process rebuilds the view, or did so and died some seconds ago."""
    key, token = rebuilding_key(project, view), uuid4().hex
    if not call_keys(connection, LOCK, [key], [[token, LOCK_MS]])[0]:
        raise AlreadyRebuilding(
            f"view {view!r} is being rebuilt by another process; wait for it, or ten seconds where that process died"
        )
    ended = threading.Event()
    renewing = threading.Thread(target=_renew, args=(connection, key, token, ended), daemon=True)
    renewing.start()
    try:
        yield
    finally:
        ended.set()
        renewing.join()
        with suppress(StoreUnreachable):
            call_keys(connection, UNLOCK, [key], [[token]])


def _renew(connection: Connection, key: bytes, token: str, ended: threading.Event) -> None:
    while not ended.wait(LOCK_MS / 3_000):
        with suppress(StoreUnreachable):
            call_keys(connection, RENEW, [key], [[token, LOCK_MS]])


def _consumer(view: str) -> str:
    return f"rebuild:{quote(view, safe='')}"


def rebuilding_key(project: str, view: str) -> bytes:
    """The lock of a view's rebuild, which expires unless it is renewed."""
    return project_key(project, f"rebuilding:{quote(view, safe='')}")
