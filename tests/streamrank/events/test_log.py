from datetime import date

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
