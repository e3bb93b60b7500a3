"""Worker, log writer and server are killed at random moments; at the end every event counts exactly once everywhere.

PROOF=full makes at least 100 recoveries that find an open intent, otherwise a dozen. SEED chooses the moments.
"""

import contextlib
import os
import random
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from multiprocessing import Process
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from servers import Server
from streamed_world import SCHEMA, World, acts_agree, recount, rows_of, some_events
from streaming_process import LEASE_SECONDS, start, work, write_log

from streamrank import clock
from streamrank.events.shards import SHARDS
from streamrank.stores.connection import StoreUnreachable
from streamrank.stream.log_writer import LogWriter

FULL = os.environ.get("PROOF") == "full"
SEED = int(os.environ.get("SEED", "1"))
RECOVERIES = 100 if FULL else 12
LONGEST_SECONDS = 1_800 if FULL else 120
WORKERS, ROWS, PROJECT = 3, 60, "proof"


@dataclass
class Chaos:
    """Processes that are killed, stopped and started again, while events are published."""

    world: World
    server: Server
    random: random.Random
    crash: float = 0.02
    workers: list[Process] = field(default_factory=list)
    writer: Process | None = None
    taken: list[pa.Table] = field(default_factory=list)
    published: int = 0

    def start(self) -> None:
        first = self.world.worker()
        first.round()  # fills the views
        first.close()
        self.workers = [self._worker() for _ in range(WORKERS)]
        self.writer = start(write_log, *self._place())

    def end(self) -> None:
        for process in (*self.workers, self.writer):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGCONT)
            process.kill()
            process.join()

    def publish(self) -> None:
        """Offers some events until the bus has taken them; a retry counts once."""
        events = some_events(ROWS, self.published, clock.now_us(), first=self.published)
        self.published += 1
        while True:
            try:
                taken = self.world.publish(events)
            except StoreUnreachable:
                continue
            self.taken.append(taken)
            return

    def disturb(self) -> None:
        """One thing goes wrong; whatever has ended is started again."""
        what = self.random.choices(["worker", "pause", "writer", "server", "nothing"], [3, 2, 1, 1, 3])[0]
        if what == "worker":
            self.random.choice(self.workers).kill()
        elif what == "writer":
            self.writer.kill()
        elif what == "server":
            self.server.kill()
            self.server.start()
        elif what == "pause":
            self._pause(self.random.choice(self.workers))
        self.revive()

    def revive(self) -> None:
        self.workers = [worker if worker.is_alive() else self._worker() for worker in self.workers]
        self.writer = self.writer if self.writer.is_alive() else start(write_log, *self._place())

    def _pause(self, worker: Process) -> None:
        """For longer than its lease, so that another takes its shards."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(worker.pid, signal.SIGSTOP)
            until = time.monotonic() + 2 * LEASE_SECONDS
            while time.monotonic() < until:
                self.publish()
                time.sleep(0.01)
            os.kill(worker.pid, signal.SIGCONT)

    def _worker(self) -> Process:
        return start(work, *self._place(), self.crash)

    def _place(self) -> tuple[str, str, str]:
        return self.world.address, str(self.world.root), self.world.project


@contextlib.contextmanager
def chaos(folder: Path, appendfsync: str = "everysec", **more) -> Iterator[Chaos]:
    server = Server(folder / "server", {"appendonly": "yes", "appendfsync": appendfsync}).start()
    made = Chaos(World(server.address, folder, PROJECT), server, random.Random(SEED), **more)
    try:
        made.start()
        yield made
    finally:
        made.end()
        server.kill()


def recoveries(folder: Path) -> int:
    """How many times a worker that took shards over found intents open: lines of one process at one moment are one."""
    return len({line.split()[0] for line in told(folder, "finishing")})


def told(folder: Path, what: str) -> list[str]:
    """What workers told of taking shards over."""
    file = folder / "recoveries.txt"
    return [line for line in file.read_text().splitlines() if what in line] if file.exists() else []


def settled(made: Chaos) -> pa.Table:
    """Everything has ended; what is still on the bus is applied and logged. The log's events."""
    made.end()
    time.sleep(LEASE_SECONDS)
    worker, world = made.world.worker(), made.world
    deadline = time.monotonic() + 60
    while not done(world, "windows") or len(worker.shards) < SHARDS:
        worker.round()
        assert time.monotonic() < deadline, "the worker did not come to the end of the bus"
    writer = LogWriter(world.bus, world.log)
    while not done(world, "log"):
        writer.run_once()
        time.sleep(0.2)
        assert time.monotonic() < deadline, "the log writer did not come to the end of the bus"
    worker.drain()
    return logged(world)


def done(world: World, consumer: str) -> bool:
    """Whether nothing on the bus is left to it."""
    return not world.bus.read(dict(enumerate(world.bus.committed(consumer).tolist())), most=SHARDS)


def logged(world: World) -> pa.Table:
    """The log's events as the world's recount takes them."""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        columns = ", ".join(SCHEMA.names)
        query = f"SELECT {columns}, log_position AS position FROM read_parquet(?) ORDER BY position, event_id"
        return connection.sql(query, params=[world.log.files()]).to_arrow_table()


def agree(world: World, events: pa.Table) -> None:
    """Every key of every view is served as the plain recount of `events` says."""
    at_us, rows = clock.now_us(), rows_of(events)
    for view in world.views:
        expected = recount(rows, view.join_keys[0], at_us)
        assert world.served(view, expected, at_us) == expected
    acts_agree(world, rows)


def in_order(taken: list[pa.Table]) -> list[tuple]:
    whole = pa.concat_tables(taken)
    return sorted(zip(whole["event_id"].to_pylist(), whole["position"].to_pylist(), strict=True))


@pytest.mark.parametrize("appendfsync", ["everysec", "always"] if FULL else ["always"])
def test_every_event_counts_once_however_often_what_counts_it_is_killed(tmp_path, appendfsync):
    with chaos(tmp_path, appendfsync) as made:
        begin = time.monotonic()
        while recoveries(tmp_path) < RECOVERIES:
            for _ in range(made.random.randint(1, 20)):
                made.publish()
                time.sleep(made.random.uniform(0, 0.02))
            made.disturb()
            assert time.monotonic() - begin < LONGEST_SECONDS, f"only {recoveries(tmp_path)} recoveries"
        events = settled(made)
        assert sorted(events["event_id"].to_pylist()) == sorted(
            event for part in made.taken for event in part["event_id"].to_pylist()
        )
        assert in_order([events.select(["event_id", "position"])]) == in_order(made.taken)
        agree(made.world, events)


def test_what_a_server_lost_of_its_last_second_is_lost_for_all_or_counted_from_the_log(tmp_path):
    """The end of the append-only file is cut off while the server is down: the log may be ahead of the bus then."""
    losses = 0
    with chaos(tmp_path, crash=0.0) as made:
        for number in range(8 if FULL else 3):
            some_published(made)
            kept = appended(made.server).stat().st_size
            some_published(made)
            if number % 2 == 0:
                await_logged(made.world)  # so that the log has what is then lost by the bus
            made.server.kill()
            losses += cut(made.server, kept)
            made.server.start()
            made.revive()
        events = settled(made)
        agree(made.world, events)
        logged_ids = events["event_id"].to_pylist()
        published = {event for part in made.taken for event in part["event_id"].to_pylist()}
        assert len(set(logged_ids)) == len(logged_ids) and set(logged_ids) <= published
        assert losses and told(tmp_path, "from the log")


def some_published(made: Chaos) -> None:
    for _ in range(20):
        made.publish()
        time.sleep(0.01)


def await_logged(world: World, seconds: float = 60.0) -> None:
    """Until the log has all that is on the bus, or as long as a log writer may have to be waited for."""
    deadline = time.monotonic() + seconds
    while (world.bus.committed("log") < world.bus.ends()).any():
        assert time.monotonic() < deadline, "the log writer did not come to the end of the bus"
        time.sleep(0.01)


def appended(server: Server) -> Path:
    (file,) = (server.folder / "appendonlydir").glob("*.incr.aof")
    return file


def cut(server: Server, kept: int) -> int:
    """Takes away what came into the append-only file after its first `kept` bytes, as a power cut would; how much."""
    file = appended(server)
    lost = file.stat().st_size - kept
    os.truncate(file, kept)
    return lost
