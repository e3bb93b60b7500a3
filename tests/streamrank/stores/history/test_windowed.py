"""Windowed views in point-in-time questions: their keys, rows and names, and what stands beside them."""

import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from feast import FeatureStore
from windowed_histories import HOUR, INSTANT, MINUTE, SECOND, START, fill, windowed_store

from streamrank.events.log import EventLog
from streamrank.stores.history.errors import HistoryError

EVENT = {"shard": 0, "user_id": 1, "item_id": "a", "creator_id": "x", "topics": ["s"], "n": 1, "f": 0.5}
COUNT = "item_windows:item_n_count_60"


def moment(us: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=us)


def event(seconds: int, **more) -> dict:
    return {**EVENT, "e": START + seconds * SECOND, "p": START + seconds * SECOND, **more}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> FeatureStore:
    folder = tmp_path_factory.mktemp("windows")
    fill(folder, [event(0), event(10), event(20, item_id="7"), event(30, creator_id="y"), event(40, creator_id=None)])
    return windowed_store(folder, created_cutoff=True)


def ask(store: FeatureStore, references: list[str], seconds: int = 60, **columns: list) -> pa.Table:
    rows = len(next(iter(columns.values())))
    times = pa.array([START + seconds * SECOND] * rows, INSTANT)
    return store.get_historical_features(pa.table({**columns, "event_timestamp": times}), references).to_arrow()


def test_features_have_their_declared_types_and_a_null_key_has_none(store: FeatureStore) -> None:
    names = ["item_n_count_60", "item_n_sum_60", "item_f_last_60"]
    found = ask(store, [f"item_windows:{name}" for name in names], item_id=["a", None, "never"])
    assert [found[name].type for name in names] == [pa.int64(), pa.float32(), pa.float64()]
    assert found.select(names).to_pylist() == [
        {"item_n_count_60": 4, "item_n_sum_60": 4.0, "item_f_last_60": 0.5},
        dict.fromkeys(names),
        {"item_n_count_60": 0, "item_n_sum_60": 0.0, "item_f_last_60": None},
    ]


def test_keys_are_taken_in_the_types_that_rows_have(store: FeatureStore) -> None:
    assert ask(store, [COUNT], item_id=[7, 8])["item_n_count_60"].to_pylist() == [1, 0]
    assert ask(store, [COUNT], item_id=[7.0, None])["item_n_count_60"].to_pylist() == [1, None]
    with pytest.raises(HistoryError, match=r"view 'item_windows'.*key 'item_id'.*VARCHAR"):
        ask(store, [COUNT], item_id=[datetime(2026, 1, 1)])


def test_a_key_that_is_given_is_not_reached(store: FeatureStore) -> None:
    pair = ["pair_windows:pair_n_count_60"]
    assert ask(store, pair, user_id=[1], item_id=["a"])["pair_n_count_60"].to_pylist() == [3]
    given = ask(store, pair, user_id=[1, 1], item_id=["a", "a"], creator_id=["y", None])
    assert given["pair_n_count_60"].to_pylist() == [1, None]


def test_no_ttl_and_no_span_of_the_questions_rows_limits_a_lifetime(store: FeatureStore) -> None:
    year = 365 * 24 * 3600
    found = ask(store, [COUNT, "item_windows:item_n_count_0"], seconds=year, item_id=["a"])
    assert (found["item_n_count_60"].to_pylist(), found["item_n_count_0"].to_pylist()) == ([0], [4])


def test_many_rows_of_one_key_and_time_keep_their_order_and_values(store: FeatureStore) -> None:
    found = ask(store, [COUNT], item_id=["a", "b"] * 500)
    assert found["item_id"].to_pylist() == ["a", "b"] * 500
    assert found["item_n_count_60"].to_pylist() == [4, 0] * 500


def test_without_rows_there_is_one_for_every_arrival_in_the_range(store: FeatureStore) -> None:
    span = {"start_date": moment(START), "end_date": moment(START + 20 * SECOND)}
    found = store.get_historical_features(features=[COUNT], **span).to_arrow()
    assert found.select(["item_id", "item_n_count_60"]).to_pylist() == [
        {"item_id": "a", "item_n_count_60": 1},
        {"item_id": "a", "item_n_count_60": 2},
        {"item_id": "7", "item_n_count_60": 1},
    ]


def test_full_names_frames_sql_and_files(store: FeatureStore, tmp_path: Path) -> None:
    rows = pd.DataFrame({"item_id": ["a"], "event_timestamp": [moment(START + MINUTE)]})
    frame = store.get_historical_features(rows, [COUNT], full_feature_names=True).to_df()
    assert frame["item_windows__item_n_count_60"].tolist() == [4]
    sql = f"SELECT 'a' AS item_id, TIMESTAMPTZ '{moment(START + HOUR)}' AS event_timestamp"
    store.get_historical_features(sql, [COUNT, "items:stars"]).to_parquet(tmp_path / "set.parquet")
    assert pq.read_table(tmp_path / "set.parquet").select(["item_n_count_60", "stars"]).to_pylist() == [
        {"item_n_count_60": 4, "stars": 2.0}
    ]


def test_a_question_keeps_to_a_small_memory_limit(tmp_path: Path) -> None:
    fill(tmp_path, [event(n, item_id=str(n % 50), n=n) for n in range(2_000)])
    store = windowed_store(tmp_path, memory_limit="60MB", threads=1, temp_directory=str(tmp_path))
    rows = 150_000
    keys = [str(n % 60) for n in range(rows)]
    found = ask(store, [COUNT, "item_windows:item_n_sum_0"], seconds=2_000, item_id=keys)
    sums = {str(key): float(sum(range(key, 2_000, 50))) if key < 50 else 0.0 for key in range(60)}
    assert found["item_n_sum_0"].to_pylist() == [sums[key] for key in keys]


def test_a_log_that_lacks_what_the_sql_reads_is_named(tmp_path: Path) -> None:
    store = windowed_store(tmp_path)
    stamps = pa.table({"event_time": pa.array([START], INSTANT), "arrived_at": pa.array([START], INSTANT),
                       "shard": pa.array([0], pa.int32()), "log_position": [START], "item_id": ["a"]})  # fmt: skip
    EventLog(tmp_path / "log").append(stamps, "test", 1)
    with pytest.raises(HistoryError, match=r"view 'item_windows'.*source 'item_windows_events'.*log.*correct the SQL"):
        ask(store, [COUNT], item_id=["a"])


def test_a_log_that_is_not_there_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert ask(windowed_store(tmp_path), [COUNT], item_id=["a"])["item_n_count_60"].to_pylist() == [0]
    assert f"no event log at {tmp_path}/log yet" in caplog.text
