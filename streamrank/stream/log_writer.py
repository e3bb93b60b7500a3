"""The log writer: what the bus took goes to the event log, each event exactly once.

One commit adds the events of all shards and says, as app transactions, up to which position each shard is in. So the
log itself knows where to go on: a writer that was killed, or two at once, neither repeat nor leave out an event.
"""

import logging
import threading
import time
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
from deltalake.exceptions import CommitFailedError, DeltaError
from prometheus_client import Counter, Gauge

from streamrank.events.bus import Bus
from streamrank.events.log import EventLog
from streamrank.events.shards import NEVER, SHARDS
from streamrank.settings import settings
from streamrank.stores.connection import StoreFull, StoreUnreachable
from streamrank.stream.loss import LossWatch
from streamrank.stream.settling import Settling

logger = logging.getLogger(__name__)

LOGGED = Counter("streamrank_log_events_total", "Events written from the bus to the event log")
LOST = Gauge("streamrank_bus_lost_events", "Events that the bus had acknowledged and lost with its server, at least")

CONSUMER = "log"
PAUSE_SECONDS = 0.1
LOOK_SECONDS = 0.2
RETRY_SECONDS = 1.0
COMPACT_COMMITS = 100
VACUUM_SECONDS = 3_600.0
RETENTION = timedelta(hours=2)  # longer than any reader works with a list of files
LEASE = timedelta(seconds=10)


class LogWriter:
    """bus, log: from where to where. interval: age at which events are written, batch_events: or how many of them;
    both default to the settings."""

    def __init__(
        self, bus: Bus, log: EventLog, interval: timedelta | None = None, batch_events: int | None = None
    ) -> None:
        chosen = settings()
        self._bus, self._log, self._lease = bus, log, bus.lease("log-writer", LEASE)
        self._interval = (chosen.log_interval if interval is None else interval).total_seconds()
        self._batch_events = chosen.log_batch_events if batch_events is None else batch_events
        self._loss: LossWatch | None = None
        self._logged = np.full(SHARDS, NEVER)
        self._read_to = self._logged.copy()
        self._held: list[pa.Table] = []
        self._since, self._looked, self._vacuumed = 0.0, 0.0, time.monotonic()
        self._commits = 0
        self._settling, self._settled = Settling(bus.connection, bus.project), b""

    @property
    def lost(self) -> int:
        """Events that the bus had acknowledged and that are neither there nor in the log, as far as is known."""
        return self._loss.lost if self._loss else 0

    def run(self, stop: threading.Event) -> None:
        """Writes until `stop` is set, then what is left; NotWritten where that cannot be, and it stays on the bus."""
        while not stop.is_set():
            try:
                self._turn(stop)
            except (StoreUnreachable, StoreFull) as error:  # what is held is still to be written
                logger.warning("the log writer waits for the bus: %s", error)
                stop.wait(RETRY_SECONDS)
            except OSError as error:  # NotWritten, or what is kept beside the log
                logger.error("the log writer tries again until it can; the events stay on the bus: %s", error)
                stop.wait(RETRY_SECONDS)
        with suppress(StoreUnreachable, StoreFull):
            self.run_once()
            self._lease.release()

    def run_once(self) -> int:
        """Reads and writes one batch; how many events. 0 also while another writer holds the lease."""
        if not self._lease.hold():
            self._forget()
            return 0
        self._read()
        return self._write()

    def _turn(self, stop: threading.Event) -> None:
        if not self._lease.hold():
            self._forget()
            stop.wait(RETRY_SECONDS)
            return
        found = self._read()
        if self._due():
            self._write()
            self._tidy()
        elif not found:
            stop.wait(PAUSE_SECONDS)

    def _read(self) -> bool:
        if self._loss is None:
            self._start()
        if time.monotonic() - self._looked > LOOK_SECONDS:
            self._settle()
            self._look()
        found = self._bus.read(dict(enumerate(self._read_to.tolist())), self._batch_events)
        if found and not self._held:
            self._since = time.monotonic()
        for shard, table in found.items():
            self._read_to[shard] = table["log_position"][-1].as_py()
        self._held += found.values()
        return bool(found)

    def _start(self) -> None:
        """Where the log ends, the writer goes on."""
        versions = self._log.versions([_app_id(shard) for shard in range(SHARDS)])
        self._logged = np.array([NEVER if version < 0 else version for version in versions])
        self._read_to = self._logged.copy()
        self._bus.begin(self._log.last_positions())
        self._bus.register(CONSUMER, dict(enumerate(self._logged.tolist())))
        self._loss = LossWatch(self._bus, self._log, beside(self._log), self._logged)

    def _look(self) -> None:
        self._looked = time.monotonic()
        LOST.set(self.lost)
        if self._loss.look(self._read_to, _counts(self._held)):
            self._bus.register(CONSUMER, dict(enumerate(self._logged.tolist())))

    def _settle(self) -> None:
        """What was read before the server went down is written at once: the worker waits for it."""
        run = self._settling.run()
        if run != self._settled:
            self._write()
            self._settling.settle(run)
            self._settled = run

    def _due(self) -> bool:
        if not self._held:
            return False
        return time.monotonic() - self._since >= self._interval or sum(map(len, self._held)) >= self._batch_events

    def _write(self) -> int:
        if not self._held:
            return 0
        self._look()  # before anything is trimmed by which a loss could be told
        rows, counts = pa.concat_tables(self._held), _counts(self._held)
        shards = np.flatnonzero(counts)
        follows = {_app_id(shard): max(-1, int(self._logged[shard])) for shard in shards}
        if not self._log.append_shards(rows, {_app_id(shard): int(self._read_to[shard]) for shard in shards}, follows):
            self._forget()
            return 0
        self._logged, self._held = self._read_to.copy(), []
        self._loss.logged(self._logged, counts)
        self._bus.commit(CONSUMER, {int(shard): int(self._logged[shard]) for shard in shards})
        self._bus.trim()
        self._commits += 1
        LOGGED.inc(len(rows))
        return len(rows)

    def _forget(self) -> None:
        """Another writes: what is held here may be in the log already."""
        self._loss, self._held = None, []

    def _tidy(self) -> None:
        if self._commits >= COMPACT_COMMITS:
            self._commits = 0
            try:
                logger.info("event log: %d files compacted", self._log.compact())
            except CommitFailedError as error:  # somebody else has just done so
                logger.info("event log not compacted: %s", error)
            except DeltaError as error:  # a full disk: the log is whole without it
                logger.warning("event log not compacted: %s", error)
        if time.monotonic() - self._vacuumed > VACUUM_SECONDS:
            self._vacuumed = time.monotonic()
            self._log.vacuum(RETENTION)


def beside(log: EventLog) -> Path:
    """The file beside the log that remembers what the bus had acknowledged."""
    return log.path.with_name(f"{log.path.name}.bus.json")


def _app_id(shard: int) -> str:
    return f"bus:{shard}"


def _counts(tables: list[pa.Table]) -> np.ndarray:
    """int64 [SHARDS]: how many events of each shard the tables hold; each is of one shard."""
    counts = np.zeros(SHARDS, np.int64)
    for table in tables:
        counts[table["shard"][0].as_py()] += len(table)
    return counts
