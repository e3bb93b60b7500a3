"""What a server that went down had acknowledged and forgot: counted, said, and told apart from what the log has."""

import json
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from servers import Server, running, wait_until
from streams import a_bus, many

from streamrank.events.log import EventLog
from streamrank.events.redis_streams import RedisStreams
from streamrank.stream import log_writer
from streamrank.stream.log_writer import LogWriter, beside


class Power:
    """A bus whose server can lose what it wrote since a moment: SIGKILL, and the append-only file cut back to it."""

    def __init__(self, server: Server) -> None:
        self.server, self.bus = server, a_bus(server.address)

    def file(self) -> Path:
        (file,) = (self.server.folder / "appendonlydir").glob("*.incr.aof")
        return file

    def written(self) -> int:
        return self.file().stat().st_size

    def fail(self, written: int | None = None) -> None:
        self.server.kill()
        if written is not None:
            with self.file().open("r+b") as file:
                file.truncate(written)
        self.server.start()


@pytest.fixture
def power(tmp_path: Path) -> Power:
    with running(tmp_path / "server", appendonly="yes", appendfsync="everysec") as server:
        yield Power(server)


@pytest.fixture
def log(tmp_path: Path) -> EventLog:
    return EventLog(tmp_path / "events")


def _publish(bus: RedisStreams, count: int) -> list[int]:
    offered = many(count)
    return bus.publish(offered, offered["user_id"]).positions.tolist()


def _successor(power: Power, log: EventLog) -> LogWriter:
    """The writer that takes over from one that went down with the server."""
    power.server.client().delete(f"streamrank!bus:{power.bus.project}:lease:log-writer")
    return LogWriter(power.bus, log)


def _look(writer: LogWriter) -> None:
    writer._lease.hold()
    writer._looked = 0.0
    writer._read()


def test_events_that_neither_bus_nor_log_has_any_more_are_counted_and_said(power, log, caplog):
    writer = LogWriter(power.bus, log)
    kept = _publish(power.bus, 200)
    writer.run_once()
    written = power.written()
    _publish(power.bus, 70)
    _look(writer)  # seen, not yet logged
    power.fail(written)
    after = _publish(power.bus, 500)  # more than were lost, before anybody looks
    writer = _successor(power, log)
    assert writer.run_once() == 500
    assert writer.lost == 70
    assert "lost at least 70 events" in caplog.text
    assert json.loads(beside(log).read_text())["lost"] == 70
    assert log.count() == 700
    assert min(after) > max(kept)
    _look(writer)
    assert writer.lost == 70  # counted once


def test_what_the_log_had_taken_over_is_not_lost(power, log):
    writer = LogWriter(power.bus, log)
    _publish(power.bus, 200)
    writer.run_once()
    written = power.written()
    logged = _publish(power.bus, 70)
    writer.run_once()
    _publish(power.bus, 9)
    _look(writer)
    power.fail(written)
    writer = _successor(power, log)
    assert writer.run_once() == 0
    assert writer.lost == 9
    assert min(_publish(power.bus, 300)) > max(logged)
    assert writer.run_once() == 300
    assert log.count() == 570
    assert writer.lost == 9


def test_what_the_writer_has_read_is_still_logged(power, log):
    writer = LogWriter(power.bus, log)
    _publish(power.bus, 50)
    writer.run_once()
    written = power.written()
    _publish(power.bus, 30)
    _look(writer)  # reads them too
    power.fail(written)
    power.bus.ends()
    _look(writer)
    _publish(power.bus, 40)
    while writer.run_once():
        pass
    assert (writer.lost, log.count()) == (0, 120)


def test_a_server_that_lost_everything_is_one_that_has_gone_back(power, log):
    writer = LogWriter(power.bus, log)
    logged = _publish(power.bus, 100)
    writer.run_once()
    _publish(power.bus, 20)
    _look(writer)
    power.server.client().flushall()
    writer = _successor(power, log)
    assert writer.run_once() == 0
    assert writer.lost == 20
    assert min(_publish(power.bus, 60)) > max(logged)
    assert writer.run_once() == 60
    assert power.bus.committed("log").max() > 0


def test_a_second_loss_adds_to_the_first(power, log):
    for lost in (7, 5):
        writer = _successor(power, log)
        _publish(power.bus, 50)
        writer.run_once()
        written = power.written()
        _publish(power.bus, lost)
        _look(writer)
        power.fail(written)
    writer = _successor(power, log)
    writer.run_once()
    assert writer.lost == 12


def test_with_appendfsync_always_nothing_is_lost(tmp_path, log):
    with running(tmp_path / "always", appendonly="yes", appendfsync="always") as server:
        power = Power(server)
        writer = LogWriter(power.bus, log)
        for _ in range(3):
            _publish(power.bus, 100)
            _look(writer)
            power.fail()
            writer = _successor(power, log)
        while writer.run_once():
            pass
        assert (writer.lost, log.count()) == (0, 300)


def test_a_writer_that_was_killed_between_the_commit_and_its_note_counts_what_it_had_logged(power, log):
    writer = LogWriter(power.bus, log)
    _publish(power.bus, 50)
    writer.run_once()
    written = power.written()
    note = beside(log).read_text()
    _publish(power.bus, 30)
    _look(writer)
    known = json.loads(beside(log).read_text())
    writer.run_once()
    old = json.loads(note)
    beside(log).write_text(json.dumps({**known, "reached": old["reached"], "logged": old["logged"]}))
    power.fail(written)
    writer = _successor(power, log)
    writer.run_once()
    assert writer.lost == 0


def test_a_running_writer_outlives_its_server(tmp_path, log, monkeypatch):
    monkeypatch.setattr(log_writer, "RETRY_SECONDS", 0.05)
    with running(tmp_path / "always", appendonly="yes", appendfsync="always") as server:
        power, stop = Power(server), threading.Event()
        writer = LogWriter(power.bus, log, interval=timedelta(milliseconds=50))
        thread = threading.Thread(target=writer.run, args=(stop,))
        thread.start()
        for _ in range(3):
            _publish(power.bus, 100)
            power.fail()
        _publish(power.bus, 100)
        wait_until(lambda: log.count() == 400, "the log")
        stop.set()
        thread.join()
        assert (writer.lost, log.count()) == (0, 400)
