import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from histories import DAY, event_table

from streamrank.events.log import EventLog
from streamrank.events.shards import NEVER, SHARDS

EVENTS = event_table([
    {"event_time": DAY, "event_type": "view", "user_id": "7", "topics": ["a", "b"], "shard": 2, "log_position": DAY},
    {"event_time": 2 * DAY - 1, "event_type": "view", "item_id": "m", "shard": 3, "log_position": 2 * DAY - 1},
    {"event_time": 2 * DAY, "event_type": "like", "user_id": "7", "shard": 2, "log_position": 2 * DAY},
])  # fmt: skip


@pytest.fixture
def log(tmp_path) -> EventLog:
    return EventLog(tmp_path / "a folder with 'quotes'" / "events")


def test_a_log_that_does_not_exist_yet_is_empty(log):
    assert (log.files(), log.count(), log.version(), log.committed("load")) == ([], 0, -1, -1)
    assert log.last_positions().tolist() == [NEVER] * SHARDS


def test_what_is_appended_is_read_back_as_it_was_with_its_day(log):
    assert log.append(EVENTS, "load", 1)
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        found = connection.read_parquet(log.files(), hive_partitioning=True).order("log_position").to_arrow_table()
    assert found.drop_columns(["arrived_on"]).cast(EVENTS.schema).equals(EVENTS)
    assert found["arrived_on"].to_pylist() == [date(1970, 1, 2), date(1970, 1, 2), date(1970, 1, 3)]
    assert log.count() == 3


def test_the_same_transaction_again_adds_nothing(log):
    assert log.append(EVENTS, "load", 1)
    assert not log.append(EVENTS, "load", 1)
    assert log.count() == 3
    assert log.append(EVENTS, "load", 2)
    assert log.append(EVENTS, "another load", 1)
    assert log.count() == 9


def test_an_append_of_no_rows_is_a_transaction_too(log):
    assert log.append(EVENTS.slice(0, 0), "load", 1)
    assert not log.append(EVENTS.slice(0, 0), "load", 1)
    assert log.count() == 0
    assert log.last_positions().tolist() == [NEVER] * SHARDS


def test_files_written_without_a_commit_are_not_part_of_the_log(log):
    log.append(EVENTS, "load", 1)
    left_over = log.path / "arrived_on=1970-01-02" / "part-of-a-crashed-append.parquet"
    left_over.write_bytes(b"half a file")
    assert str(left_over) not in log.files()
    assert log.count() == 3


def test_the_last_position_of_each_shard_is_known(log):
    log.append(EVENTS, "load", 1)
    expected = [NEVER] * SHARDS
    expected[2], expected[3] = 2 * DAY, 2 * DAY - 1
    assert log.last_positions().tolist() == expected


def test_other_columns_than_the_logs_are_refused_by_name(log):
    log.append(EVENTS, "load", 1)
    other = EVENTS.drop_columns(["slot"]).append_column("place", pa.nulls(3, pa.int32()))
    with pytest.raises(ValueError, match=r"expected columns .*'slot'.*found .*'place'"):
        log.append(other, "load", 2)


def _shards(log: EventLog, *positions: int) -> dict[str, int]:
    return {f"bus:{shard}": log.committed(f"bus:{shard}") for shard in positions}


def test_a_batch_of_many_shards_is_one_commit_that_follows_the_last(log):
    first = {"bus:2": 2 * DAY, "bus:3": 2 * DAY - 1}
    assert log.append_shards(EVENTS, first, {"bus:2": -1, "bus:3": -1})
    assert _shards(log, 2, 3, 4) == {**first, "bus:4": -1}
    assert log.versions(["bus:4", "bus:2"]) == [-1, 2 * DAY]
    assert log.version() == 0


@pytest.mark.parametrize("follows", [-1, 2 * DAY - 1, 2 * DAY + 1])
def test_a_batch_that_does_not_follow_what_is_in_adds_nothing(log, follows):
    log.append_shards(EVENTS, {"bus:2": 2 * DAY}, {"bus:2": -1})
    assert not log.append_shards(EVENTS, {"bus:2": 9 * DAY, "bus:1": 1}, {"bus:2": follows, "bus:1": -1})
    assert (log.count(), log.committed("bus:1")) == (3, -1)


def test_of_writers_at_once_one_is_first_and_the_others_add_nothing(log):
    def write(number: int) -> bool:
        barrier.wait()
        return log.append_shards(EVENTS, {"bus:2": 10 * after + number}, {"bus:2": after or -1})

    barrier = threading.Barrier(4)
    for turn in range(5):  # the first turn makes the log
        after = max(0, log.committed("bus:2"))
        with ThreadPoolExecutor(4) as pool:
            assert sum(pool.map(write, range(1, 5))) == 1
        assert log.count() == 3 * (turn + 1)


def test_columns_in_another_order_are_the_same_columns(log):
    log.append(EVENTS, "load", 1)
    log.append(EVENTS.select(EVENTS.column_names[::-1]), "load", 2)
    with duckdb.connect() as connection:
        found = connection.read_parquet(log.files(), union_by_name=True).select("event_id, event_type").fetchall()
    assert sorted(found) == sorted(2 * [("e0", "view"), ("e1", "view"), ("e2", "like")])


def test_compacting_keeps_every_event_once_and_what_has_been_committed(log):
    for number in range(6):
        log.append_shards(EVENTS, {"bus:2": number + 1}, {"bus:2": number or -1})
    listed = log.files()
    assert log.compact() == 12
    assert (len(log.files()), log.count(), log.committed("bus:2")) == (2, 18, 6)
    assert duckdb.read_parquet(listed).count("*").fetchall() == [(18,)]  # whoever held the list reads on
    assert log.compact() == 0


def test_vacuum_removes_what_has_not_been_part_of_the_log_for_as_long_as_said(log):
    for number in range(3):
        log.append(EVENTS, "load", number + 1)
    replaced = set(log.files())
    log.compact()
    assert log.vacuum(timedelta(hours=1)) == 0
    assert log.vacuum(timedelta(0)) == len(replaced)
    assert not any(Path(file).exists() for file in replaced)
    assert (log.count(), log.committed("load")) == (9, 3)


def test_a_log_that_does_not_exist_yet_has_nothing_to_compact(log):
    assert (log.compact(), log.vacuum(timedelta(0))) == (0, 0)


def test_a_reader_beside_appends_and_compaction_meets_every_event_once(log):
    def write() -> None:
        for number in range(1, 31):
            table = event_table([{"event_time": DAY, "event_type": "view", "log_position": number}])
            log.append_shards(table, {"bus:0": number}, {"bus:0": number - 1 or -1})
            if number % 5 == 0:
                log.compact()

    writer = threading.Thread(target=write)
    writer.start()
    seen = 0
    while writer.is_alive() or seen < 30:
        if files := log.files():
            found = sorted(p for (p,) in duckdb.sql(f"SELECT log_position FROM read_parquet({files})").fetchall())
            assert found == list(range(1, len(found) + 1))
            assert len(found) >= seen
            seen = len(found)
    writer.join()
