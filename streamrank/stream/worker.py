"""The worker: events from the bus into the tiles of every windowed view, each exactly once in effect.

A batch is read, reduced to what it changes, announced by an intent, merged, handed to the processors and committed.
Each step may fail or end the process: whoever owns the shard next finishes the intent first, with exactly its events.
"""

import logging
import os
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

from redis.exceptions import RedisError

from streamrank import clock
from streamrank.events.bus import Bus
from streamrank.events.log import EventLog
from streamrank.events.shards import NEVER, SHARDS
from streamrank.stores.connection import Connection, StoreDenied, StoreFull, StoreUnreachable
from streamrank.stream import generations, metrics
from streamrank.stream.applying import Applying, Processor
from streamrank.stream.batches import Batch, Reducer
from streamrank.stream.fence import Fence
from streamrank.stream.filling import FillingViews
from streamrank.stream.intents import HELD
from streamrank.stream.leases import Leases
from streamrank.stream.logged import LoggedEvents
from streamrank.stream.owning import Owning
from streamrank.stream.reading_ahead import ReadingAhead
from streamrank.stream.round import Round
from streamrank.stream.scripts import CONSUMER
from streamrank.stream.settling import Settling
from streamrank.stream.taking_over import TakingOver
from streamrank.stream.views import StreamedView

logger = logging.getLogger(__name__)

SWEEP_SECONDS, PATIENCE_SECONDS, RETRY_SECONDS = 0.25, 0.1, 0.2
SILENT_SECONDS = 30.0  # between two complaints of a server that is away


class Worker:
    """bus: the events. connection: the server of the tiles, which is the bus's for Redis Streams. log: the truth.

    batch_events: most events of a batch. age_ms: how long the first event of a batch may wait for others.
    lease_seconds: after which a worker that died is replaced. Views that were never filled are, from log and bus.
    """

    def __init__(
        self, bus: Bus, connection: Connection, project: str, views: Sequence[StreamedView], log: EventLog,
        processors: Sequence[Processor] = (), *, batch_events: int = 65_536, age_ms: float = 20.0,
        lease_seconds: float = 3.0,
    ) -> None:  # fmt: skip
        self.bus, self.connection, self.project = bus, connection, project
        self.views, self.log, self.processors = list(views), log, list(processors)
        self.name = f"{os.uname().nodename}-{os.getpid()}-{uuid4().hex[:8]}"
        self._fence, logged = Fence(connection.options), LoggedEvents(log, bus.schema)
        self._applying = Applying(self._fence.connection, project, self.name, views, self.processors)
        self._owning = Owning(Leases(connection, project, self.name, int(lease_seconds * 1e6)), lease_seconds)
        self._taking_over = TakingOver(bus, logged, self._applying, batch_events)
        self._ahead = ReadingAhead(bus, Reducer(views), batch_events, age_ms / 1_000)
        self._filling = FillingViews(bus, connection, project, self.views, log)
        self._settling = Settling(connection, project)
        self._swept, self._began, self._filled = 0.0, False, False

    @property
    def shards(self) -> tuple[int, ...]:
        """Those that this worker owns at the moment."""
        return tuple(sorted(self._owning.epochs))

    def round(self) -> Round:
        """One micro-batch of what is waiting in the owned shards; it is committed when this returns.

        Raises TornKey, Overflow and DeclarationsChanged, which end a worker, and StoreUnreachable; call `reset` after
        the latter.
        """
        took = self._begin()
        if not self._filled:
            self._filled = self._filling.fill(self.look_after_shards)
        batch = self._ahead.next(self._owning.committed)
        done = self._apply(batch) if batch else Round()
        self._sweep()
        return took + done

    def drain(self) -> int:
        """Rounds until nothing is waiting any more; how many events they were."""
        events = 0
        while (done := self.round()).events:
            events += done.events
        return events

    def run(self, stop: threading.Event) -> None:
        """Rounds until `stop` is set, reading the next batch while one is merged. A server that is away is waited for.

        Raises what ends a worker: TornKey, Overflow, DeclarationsChanged, StoreDenied.
        """
        said = -SILENT_SECONDS
        with self._owning.kept():
            while not stop.is_set():
                try:
                    self._stream(stop)
                except StoreDenied:
                    raise
                except (StoreUnreachable, StoreFull, RedisError) as error:
                    if time.monotonic() - said > SILENT_SECONDS:
                        logger.warning("the worker begins again, and tries until it can: %s", error)
                        said = time.monotonic()
                    self.reset()
                    stop.wait(RETRY_SECONDS)
        self.close()

    def reset(self) -> None:
        """Forgets what it owns and was told: the server may have lost it."""
        self._owning.clear()
        self._fence.renew()
        self._began = self._filled = False

    def close(self) -> None:
        """Gives its shards away."""
        try:
            self._owning.leave()
        except RedisError as error:
            logger.warning("shards could not be given away and are free when their leases run out: %s", error)

    def _stream(self, stop: threading.Event) -> None:
        ended = threading.Event()
        with ThreadPoolExecutor(2, "stream") as threads:
            try:
                metrics.told(self._begin())
                threads.submit(self._filling.fill_beside, ended)
                self._rounds(stop, threads)
            finally:
                ended.set()

    def _rounds(self, stop: threading.Event, threads: ThreadPoolExecutor) -> None:
        ahead = threads.submit(self._ahead.next, dict(self._owning.committed), PATIENCE_SECONDS)
        while not stop.is_set():
            batch = ahead.result()
            after = {**self._owning.committed, **(batch.lasts if batch else {})}
            ahead = threads.submit(self._ahead.next, after, PATIENCE_SECONDS)
            metrics.told(self._apply(batch) if batch else Round())
            self._sweep()
            metrics.told(self.look_after_shards())

    def _begin(self) -> Round:
        """Shards are claimed and brought up to date first: a view is filled up to where its shards are."""
        if self._began:
            return self.look_after_shards()
        self._fence.renew()
        self.bus.register(CONSUMER, dict.fromkeys(range(SHARDS), NEVER))
        if any(state.committed != NEVER for state in generations.states(self.connection, self.project)):
            self._settling.wait()
        self._filling.prepare()
        took = self.look_after_shards(now=True)
        self._began = True
        return took

    def look_after_shards(self, now: bool = False) -> Round:
        """Claims and gives away shards, every third of a lease or `now`; brings those claimed up to date."""
        claims = self._owning.balance(now)
        if not claims:
            return Round()
        committed, recovered, events = self._taking_over.take(claims)
        self._owning.ready(committed)
        self._owning.drop(claims.keys() - committed.keys())
        return Round(events=events, recovered=recovered)

    def _apply(self, batch: Batch) -> Round:
        epochs, committed = self._owning.held(), dict(self._owning.committed)
        shards = [
            shard for shard in batch.events if shard in epochs and committed.get(shard) == batch.firsts[shard] - 1
        ]
        if not shards:
            return Round()
        batch = batch if len(shards) == len(batch.events) else batch.of(shards)
        done = self._applying.apply(batch, epochs, committed)
        self._owning.ready(done.committed)
        self._owning.drop([shard for shard, why in done.refused.items() if why != HELD])
        events = sum(batch.events[shard].num_rows for shard in done.committed)
        return Round(events, done.merged, done.skipped, _lags(batch))

    def _sweep(self) -> None:
        if not self.processors or time.monotonic() - self._swept < SWEEP_SECONDS:
            return
        self._swept = time.monotonic()
        epochs = self._owning.held()
        for processor in self.processors:
            processor.sweep(sorted(epochs), epochs)


def _lags(batch: Batch) -> dict[int, float]:
    now = clock.now_us()
    arrivals = {shard: table["log_position"][0].as_py() for shard, table in batch.events.items() if table.num_rows}
    return {shard: max(0, now - arrived) / clock.SECOND for shard, arrived in arrivals.items()}
