"""The log writer: each event of the bus once in the log, whoever is killed, writes beside it, or compacts."""

import os
import random
import subprocess
import sys
import threading
import time
from datetime import timedelta
from pathlib import Path

import duckdb
import numpy as np
import pytest
from full_disk import full
from histories import DAY, event_table
from servers import Server, running, wait_until
from streams import SCHEMA, a_bus, events, many, rows

from streamrank.events.log import EventLog
from streamrank.events.not_written import NotWritten
from streamrank.events.redis_streams import RedisStreams
from streamrank.events.shards import SHARDS
from streamrank.stream import log_writer
from streamrank.stream.log_writer import LogWriter

pytestmark = pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")

WRITER = """
import sys, threading
sys.path.insert(0, "tests")
from datetime import timedelta
from pathlib import Path
from streams import a_bus
from streamrank.events.log import EventLog
from streamrank.stream import log_writer
log_writer.LEASE, log_writer.RETRY_SECONDS, log_writer.COMPACT_COMMITS = timedelta(milliseconds=50), 0.02, 7
writer = log_writer.LogWriter(a_bus(sys.argv[1], sys.argv[2]), EventLog(Path(sys.argv[3])), timedelta(0), 400)
print("ready", flush=True)
writer.run(threading.Event())
"""


@pytest.fixture(scope="session")
def server(tmp_path_factory) -> Server:
    with running(tmp_path_factory.mktemp("writer")) as server:
        yield server


@pytest.fixture
def bus(server: Server) -> RedisStreams:
    return a_bus(server.address)


@pytest.fixture
def log(tmp_path: Path) -> EventLog:
    return EventLog(tmp_path / "events")


def _publish(bus: RedisStreams, count: int) -> list[tuple[str, int]]:
    """(event_id, position) of new events."""
    offered = many(count)
    positions = bus.publish(offered, offered["user_id"]).positions
    return list(zip(offered["event_id"].to_pylist(), positions.tolist(), strict=True))


def _logged(log: EventLog) -> list[tuple[str, int]]:
    if not log.files():
        return []
    found = duckdb.sql(f"SELECT event_id, log_position FROM read_parquet({log.files()})")
    return sorted(found.fetchall())


def _finish(bus: RedisStreams, log: EventLog) -> None:
    writer = LogWriter(bus, log)
    wait_until(lambda: _drained(writer, bus, log), "the log")


def _drained(writer: LogWriter, bus: RedisStreams, log: EventLog) -> bool:
    writer.run_once()
    return log.versions([f"bus:{shard}" for shard in range(SHARDS)]) == [max(-1, end) for end in bus.ends().tolist()]


def test_what_was_published_is_in_the_log_with_its_stamps(bus, log):
    published = _publish(bus, 500)
    assert LogWriter(bus, log).run_once() == 500
    assert _logged(log) == sorted(published)
    found = duckdb.read_parquet(log.files(), hive_partitioning=True).to_arrow_table()
    assert set(found.column_names) == {*SCHEMA.names, "arrived_at", "shard", "log_position", "arrived_on"}


def test_what_is_logged_is_committed_and_trimmed(bus, log):
    _publish(bus, 100)
    writer = LogWriter(bus, log)
    writer.run_once()
    assert bus.committed("log").tolist() == bus.ends().tolist()
    assert bus.size_bytes() == 0
    assert writer.run_once() == 0


def test_loaded_events_and_streamed_ones_share_a_log_and_positions_go_on_above(bus, log):
    ahead = (time.time_ns() // 1_000) + 3_600_000_000  # a load may have stamped behind a load
    bus_of_load = a_bus(bus.connection)
    bus_of_load.begin(np.full(SHARDS, ahead))
    loaded = _publish(bus_of_load, 50)
    tables = bus_of_load.read(dict.fromkeys(range(SHARDS), 0), 1_000).values()
    for number, table in enumerate(tables):
        log.append(table, f"load:{number}", 1)
    writer = LogWriter(bus, log)
    writer.run_once()
    published = _publish(bus, 50)
    writer.run_once()
    assert _logged(log) == sorted(loaded + published)
    assert all(position > ahead for _, position in published)


def test_a_writer_goes_on_where_the_log_ends_even_if_the_bus_was_never_told(bus, log):
    published = _publish(bus, 100)
    writer = LogWriter(bus, log)
    writer.run_once()
    bus.unregister("log")  # as if it had been killed between the two
    published += _publish(bus, 100)
    assert LogWriter(bus, log).run_once() == 0  # the lease is the other's
    writer._lease.release()
    assert LogWriter(bus, log).run_once() == 100
    assert _logged(log) == sorted(published)


def test_it_runs_until_it_is_stopped_and_leaves_nothing_unwritten(bus, log):
    writer, stop = LogWriter(bus, log, interval=timedelta(hours=1)), threading.Event()
    thread = threading.Thread(target=writer.run, args=(stop,))
    thread.start()
    published = _publish(bus, 300)
    stop.set()
    thread.join()
    assert _logged(log) == sorted(published)
    assert bus.lease("log-writer", timedelta(seconds=1)).hold()


def test_writers_that_both_believe_to_be_alone_write_each_event_once(bus, log, monkeypatch):
    monkeypatch.setattr(log_writer, "LEASE", timedelta(milliseconds=1))
    stop, published = threading.Event(), []
    threads = [
        threading.Thread(target=LogWriter(a_bus(bus.connection, bus.project), log, timedelta(0), 50).run, args=(stop,))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for _ in range(15):
        published += _publish(bus, 40)
    stop.set()
    for thread in threads:
        thread.join()
    _finish(bus, log)
    assert _logged(log) == sorted(published)


def test_a_writer_killed_at_any_moment_leaves_each_event_once(bus, log, server):
    published, chance = [], random.Random(1)
    for _ in range(3):
        command = [sys.executable, "-c", WRITER, server.address, bus.project, str(log.path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[3]) as process:
            process.stdout.readline()
            until = time.monotonic() + chance.uniform(0.1, 0.6)
            while time.monotonic() < until:
                published += _publish(bus, 100)
            os.kill(process.pid, 9)
    before = len(_logged(log))
    assert before > 0
    _finish(bus, log)
    assert _logged(log) == sorted(published)
    assert LogWriter(bus, log).lost == 0


def test_readers_beside_a_writer_that_compacts_meet_each_event_once(bus, log, monkeypatch):
    monkeypatch.setattr(log_writer, "COMPACT_COMMITS", 3)
    stop, published, seen = threading.Event(), [], 0
    thread = threading.Thread(target=LogWriter(bus, log, timedelta(0)).run, args=(stop,))
    thread.start()
    for _ in range(25):
        published += _publish(bus, 20)
        found = _logged(log)
        assert len(found) == len(set(found)) >= seen
        seen = len(found)
    stop.set()
    thread.join()
    assert _logged(log) == sorted(published)


def test_events_are_written_by_age_or_by_number(bus, log):
    writer = LogWriter(bus, log, interval=timedelta(hours=1), batch_events=100)
    stop = threading.Event()
    _publish(bus, 60)
    writer._turn(stop)
    assert log.count() == 0
    _publish(bus, 60)
    while not log.count():
        writer._turn(stop)
    assert log.count() == 120


def test_events_read_and_rows_logged_hold_the_same_values(bus, log):
    offered = events(["a"], ["u"], 5)
    bus.publish(offered, offered["user_id"])
    (read,) = bus.read(dict.fromkeys(range(SHARDS), 0), 10).values()
    LogWriter(bus, log).run_once()
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        logged = connection.read_parquet(log.files(), hive_partitioning=False).to_arrow_table()
    assert logged.select(read.column_names).cast(read.schema).equals(read)
    assert rows(logged) == rows(read)


def test_on_a_full_disk_events_stay_on_the_bus_until_there_is_room(bus, log, caplog, monkeypatch):
    monkeypatch.setattr(log_writer, "RETRY_SECONDS", 0.02)
    first = _publish(bus, 50)
    writer, stop = LogWriter(bus, log, timedelta(0), 400), threading.Event()
    assert writer.run_once() == 50
    later = _publish(bus, 70)
    thread = threading.Thread(target=writer.run, args=(stop,))
    try:
        with full():
            thread.start()
            wait_until(lambda: "events stay on the bus" in caplog.text, "a full disk is told")
            assert _logged(log) == sorted(first)
        wait_until(lambda: _logged(log) == sorted(first + later), "what waited is logged")
    finally:
        stop.set()
        thread.join()
    assert "could not be written, and nothing of it was: File too large; make room there" in caplog.text
    assert [path.name for path in log.path.parent.glob("events.bus.*")] == ["events.bus.json"]


def test_a_writer_that_is_stopped_while_the_disk_is_full_says_so_and_another_goes_on(bus, log):
    offered = _publish(bus, 60)
    stop = threading.Event()
    stop.set()
    with full(), pytest.raises(NotWritten, match="could not be written, and nothing of it was: File too large"):
        LogWriter(bus, log, timedelta(0), 400).run(stop)
    wait_until(lambda: LogWriter(bus, log, timedelta(0), 400).run_once() == 60, "another takes over")
    assert _logged(log) == sorted(offered)


def test_the_log_takes_whole_batches_or_nothing(log):
    table = event_table([{"event_type": "view", "user_id": "u", "item_id": "i", "event_time": number * DAY}
                         for number in range(3)])  # fmt: skip
    assert log.append(table, "a", 1)
    with full(), pytest.raises(NotWritten, match=r"event log .*events: 3 events could not be written"):
        log.append(table, "a", 2)
    assert log.count() == 3 and log.committed("a") == 1
    assert log.append(table, "a", 2) and log.count() == 6
