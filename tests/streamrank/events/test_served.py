"""The served log writes whole files by day, in the background, and counts what it has no room for."""

import threading
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.dataset as ds
import pytest
from servers import wait_until

from streamrank.events import served
from streamrank.events.served import ServedLog

SCHEMA = pa.schema([("as_of", pa.timestamp("us", tz="UTC")), ("request_id", pa.string()), ("feature", pa.float32())])
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MIDNIGHT = datetime(2026, 3, 2, tzinfo=UTC)


def rows(*names: str, at: datetime = NOON) -> pa.Table:
    columns = [[at] * len(names), list(names), [0.1] * len(names)]
    return pa.table(dict(zip(SCHEMA.names, columns, strict=True)), schema=SCHEMA)


def read(folder) -> pa.Table:
    return ds.dataset(folder, format="parquet", partitioning="hive").to_table().sort_by("request_id")


@pytest.fixture
def counts() -> dict[str, int]:
    return {}


@pytest.fixture
def opened(tmp_path, counts):
    logs = []

    def on_dropped(number: int, reason: str) -> None:
        counts[reason] = counts.get(reason, 0) + number

    def on_written(number: int) -> None:
        counts["written"] = counts.get("written", 0) + number

    def make(capacity_rows: int = 100, flush_seconds: float = 60.0, table=pa.concat_tables) -> ServedLog:
        log = ServedLog(tmp_path / "served", SCHEMA, capacity_rows, flush_seconds, on_written, on_dropped, table)
        logs.append(log)
        return log

    yield make
    for log in logs:
        log.close()


def test_rows_come_back_as_they_went_in(tmp_path, opened, counts):
    log = opened()
    assert log.offer(rows("a", "b"))
    assert log.offer(rows("c"))
    log.close()
    assert read(tmp_path / "served").select(SCHEMA.names).cast(SCHEMA).equals(rows("a", "b", "c"))
    assert counts == {"written": 3}


def test_rows_lie_under_the_utc_day_they_were_served_on(tmp_path, opened):
    log = opened()
    log.offer(rows("a", at=NOON))
    log.offer(rows("b", at=MIDNIGHT))
    log.close()
    days = {path.parent.name: path for path in (tmp_path / "served").rglob("*.parquet")}
    assert sorted(days) == ["served_on=2026-03-01", "served_on=2026-03-02"]
    assert ds.dataset(days["served_on=2026-03-02"]).to_table()["request_id"].to_pylist() == ["b"]


def test_old_rows_are_written_without_a_close(tmp_path, opened, counts):
    written = threading.Event()
    log = ServedLog(tmp_path / "served", SCHEMA, 100, 0.01, on_written=lambda _: written.set())
    log.offer(rows("a"))
    assert written.wait(timeout=10)
    assert read(tmp_path / "served")["request_id"].to_pylist() == ["a"]
    log.close()


def test_rows_that_find_the_queue_full_are_dropped_whole_and_counted(tmp_path, opened, counts, monkeypatch):
    writing, go_on = threading.Event(), threading.Event()
    write = served.write_whole

    def slow_disk(table, path):
        writing.set()
        assert go_on.wait(timeout=10)
        write(table, path)

    monkeypatch.setattr(served, "write_whole", slow_disk)
    log = opened(capacity_rows=4, flush_seconds=0.01)
    assert log.offer(rows("a", "b", "c"))
    assert writing.wait(timeout=10)
    assert not log.offer(rows("d", "e")), "rows being written still take up room"
    assert log.offer(rows("f"))
    go_on.set()
    log.close()
    assert read(tmp_path / "served")["request_id"].to_pylist() == ["a", "b", "c", "f"]
    assert counts == {"written": 4, "queue_full": 2}


def test_a_disk_that_refuses_costs_counted_rows_and_no_answer(tmp_path, opened, counts):
    (tmp_path / "served").write_text("a file stands where the folder should be")
    log = opened(flush_seconds=0.01)
    assert log.offer(rows("a", "b"))
    log.close()
    assert counts == {"write_failed": 2}


def test_rows_of_which_no_table_can_be_made_are_counted_and_the_log_goes_on(tmp_path, opened, counts):
    def table(offered):
        if any("bad" in part["request_id"].to_pylist() for part in offered):
            raise ValueError("not these")
        return pa.concat_tables(offered)

    log = opened(flush_seconds=0.01, table=table)
    assert log.offer(rows("bad", "b"))
    wait_until(lambda: counts == {"write_failed": 2}, "bad rows to be counted")
    assert log.offer(rows("c"))
    log.close()
    assert counts == {"write_failed": 2, "written": 1}
    assert read(tmp_path / "served")["request_id"].to_pylist() == ["c"]


def test_a_reader_never_sees_part_of_a_file(tmp_path, monkeypatch):
    target = tmp_path / "served_on=2026-03-01" / "x.parquet"
    seen = []

    def look_while_writing(table, output):
        output.write(b"half a file")
        seen.append(list(tmp_path.rglob("*.parquet")))
        raise OSError("disk full")

    monkeypatch.setattr(served.pq, "write_table", look_while_writing)
    with pytest.raises(OSError, match="disk full"):
        served.write_whole(rows("a"), target)
    assert seen == [[]]
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_table_of_other_columns_is_refused(opened):
    with pytest.raises(ValueError, match=r"expected columns[\s\S]*found[\s\S]*request_id"):
        opened().offer(rows("a").drop_columns(["feature"]))


def test_a_closed_log_says_so(opened):
    log = opened()
    log.close()
    with pytest.raises(RuntimeError, match="closed"):
        log.offer(rows("a"))
