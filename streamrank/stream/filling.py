"""What a worker sees to before and beside its rounds: views never filled yet, and generations that are no more."""

import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from redis.exceptions import RedisError

from streamrank.events.shards import NEVER
from streamrank.stream import generations
from streamrank.stream.logged import LoggedEvents
from streamrank.stream.views import StreamedView
from streamrank.windows.rebuild import AlreadyRebuilding, let_bus_trim, rebuild

if TYPE_CHECKING:
    from streamrank.stream.worker import Worker

logger = logging.getLogger(__name__)

LOOK_SECONDS = 2.0


def prepare(worker: "Worker") -> None:
    """Before shards are claimed: ends generations of views that are declared no more, and passes over what the log had
    before there was a bus, since a view that is filled takes it from there."""
    known = {(view.name, view.fingerprint) for view in worker.views}
    states = generations.states(worker.connection, worker.project)
    for one in {one for state in states for one in state.generations}:
        if (one.view, one.fingerprint) not in known:
            logger.warning("generation %s is of no view that is declared: its tiles are deleted", one.name)
            generations.retire(worker.connection, worker.project, one)
    if any(state.committed == NEVER and not state.generations for state in states):
        generations.skip(worker.connection, worker.project, _before_the_bus(worker))


def _before_the_bus(worker: "Worker") -> dict[int, int]:
    """By shard the last position of the log that lies before every event on the bus."""
    ends = LoggedEvents(worker.log, worker.bus.schema).ends()
    on_bus = worker.bus.read(dict.fromkeys(range(len(ends)), NEVER), most=len(ends))
    firsts = {shard: table["log_position"][0].as_py() for shard, table in on_bus.items()}
    last = {shard: min(int(end), firsts.get(shard, int(end) + 1) - 1) for shard, end in enumerate(ends)}
    return {shard: position for shard, position in last.items() if position > 0}


def fill(worker: "Worker") -> bool:
    """Fills every view that has no generation yet; False where another process is doing so."""
    try:
        for view in worker.views:
            if not _filled(worker, view):
                _rebuilt(worker, view, worker.look_after_shards)
    except AlreadyRebuilding:
        return False
    return True


def fill_beside(worker: "Worker", stop: threading.Event) -> None:
    """The same in a thread beside the rounds; then deletes what is due, until `stop`."""
    while not stop.is_set():
        try:
            for view in worker.views:
                if not stop.is_set() and not _filled(worker, view):
                    _rebuilt(worker, view)
            generations.drop_due(worker.connection, worker.project)
            for view in worker.views:
                let_bus_trim(worker.bus, worker.connection, worker.project, view.name)
        except AlreadyRebuilding:
            logger.info("a view is being filled by another process")
        except RedisError as error:
            logger.warning("filling begins again: %s", error)
        except Exception:
            logger.exception("a view could not be filled")
        stop.wait(LOOK_SECONDS)


def _rebuilt(worker: "Worker", view: StreamedView, meanwhile: Callable[[], object] = lambda: None) -> None:
    made = rebuild(worker.bus, worker.connection, worker.project, view, worker.log, meanwhile=meanwhile)
    logger.info("view %s filled with %d rows of the log, %d events of the bus", view.name, made.logged, made.streamed)


def _filled(worker: "Worker", view: StreamedView) -> bool:
    """Whether the generation that is read is one that every shard's batches go into."""
    read = generations.read_by(worker.connection, worker.project, view.name, view.fingerprint)
    return read is not None and all(
        read in state.generations for state in generations.states(worker.connection, worker.project)
    )
