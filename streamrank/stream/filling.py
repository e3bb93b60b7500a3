"""What a worker sees to before and beside its rounds: views never filled yet, and generations that are no more."""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from redis.exceptions import RedisError

from streamrank.events.bus import Bus
from streamrank.events.log import EventLog
from streamrank.events.shards import NEVER
from streamrank.stores.connection import Connection
from streamrank.stream import generations
from streamrank.stream.logged import LoggedEvents
from streamrank.stream.views import StreamedView
from streamrank.windows.rebuild import AlreadyRebuilding, let_bus_trim, rebuild

logger = logging.getLogger(__name__)

LOOK_SECONDS = 2.0


@dataclass(frozen=True)
class FillingViews:
    """bus, connection, project, views, log: the worker's."""

    bus: Bus
    connection: Connection
    project: str
    views: Sequence[StreamedView]
    log: EventLog

    def prepare(self) -> None:
        """Before shards are claimed: ends generations of views that are declared no more, and passes over what the log
        had before there was a bus, since a view that is filled takes it from there."""
        known = {(view.name, view.fingerprint) for view in self.views}
        states = generations.states(self.connection, self.project)
        for one in {one for state in states for one in state.generations}:
            if (one.view, one.fingerprint) not in known:
                logger.warning("generation %s is of no view that is declared: its tiles are deleted", one.name)
                generations.retire(self.connection, self.project, one)
        if any(state.committed == NEVER and not state.generations for state in states):
            generations.skip(self.connection, self.project, self._before_the_bus())

    def fill(self, meanwhile: Callable[[], object]) -> bool:
        """Fills every view that has no generation yet; False where another process is doing so.

        meanwhile: called again and again as a view fills, which may take longer than a lease.
        """
        try:
            for view in self.views:
                if not self._filled(view):
                    self._rebuilt(view, meanwhile)
        except AlreadyRebuilding:
            return False
        return True

    def fill_beside(self, stop: threading.Event) -> None:
        """The same in a thread beside the rounds; then deletes what is due, until `stop`."""
        while not stop.is_set():
            try:
                for view in self.views:
                    if not stop.is_set() and not self._filled(view):
                        self._rebuilt(view)
                generations.drop_due(self.connection, self.project)
                for view in self.views:
                    let_bus_trim(self.bus, self.connection, self.project, view.name)
            except AlreadyRebuilding:
                logger.info("a view is being filled by another process")
            except RedisError as error:
                logger.warning("filling begins again: %s", error)
            except Exception:
                logger.exception("a view could not be filled")
            stop.wait(LOOK_SECONDS)

    def _before_the_bus(self) -> dict[int, int]:
        """By shard the last position of the log that lies before every event on the bus."""
        ends = LoggedEvents(self.log, self.bus.schema).ends()
        on_bus = self.bus.read(dict.fromkeys(range(len(ends)), NEVER), most=len(ends))
        firsts = {shard: table["log_position"][0].as_py() for shard, table in on_bus.items()}
        last = {shard: min(int(end), firsts.get(shard, int(end) + 1) - 1) for shard, end in enumerate(ends)}
        return {shard: position for shard, position in last.items() if position > 0}

    def _rebuilt(self, view: StreamedView, meanwhile: Callable[[], object] = lambda: None) -> None:
        made = rebuild(self.bus, self.connection, self.project, view, self.log, meanwhile=meanwhile)
        logged, streamed = made.logged, made.streamed
        logger.info("view %s filled with %d rows of the log, %d events of the bus", view.name, logged, streamed)

    def _filled(self, view: StreamedView) -> bool:
        """Whether the generation that is read is one that every shard's batches go into."""
        read = generations.read_by(self.connection, self.project, view.name, view.fingerprint)
        return read is not None and all(
            read in state.generations for state in generations.states(self.connection, self.project)
        )
