"""Views of latest acts in point-in-time questions: their keys, rows, names and files, and what stands beside them."""

import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from feast import FeatureStore
from feast_histories import feature_store
from latest_views import USER, Event, feature_view, table

from streamrank.events.log import EventLog
from streamrank.stores.history.errors import HistoryError

START = 1_772_000_000_000_000
WORDS, AMOUNTS = "acts:word", "acts:amount"


def moment(seconds: float) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=START + int(seconds * 1e6))


def act(seconds: int, user: str | None, word: str, late: int = 0, amount: float | None = None) -> Event:
    at = START + seconds * 1_000_000
    return Event(at, at - late * 1_000_000, user, (word,), amount)


def filled(folder: Path, events: list[Event], **options) -> FeatureStore:
    events = table(events)
    events = events.append_column("arrived_at", events["log_position"].cast(pa.timestamp("us", "UTC")))
    EventLog(folder / "log").append(events, "test", 1)
    return feature_store(folder, [USER, feature_view(log=str(folder / "log"))], **options)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> FeatureStore:
    acts = [act(0, "ann", "a"), act(10, "ann", "b", late=100, amount=0.1), act(20, "7", "c"), act(30, None, "d"),
            act(40, "ann", "e"), act(50, "ann", "f")]  # fmt: skip
    return filled(tmp_path_factory.mktemp("acts"), acts, created_cutoff=True)


def ask(store: FeatureStore, references: list[str], users: list, seconds: list[float]) -> pa.Table:
    times = pa.array([moment(each) for each in seconds], pa.timestamp("us", "UTC"))
    return store.get_historical_features(pa.table({"user_id": users, "event_timestamp": times}), references).to_arrow()


def test_lists_are_of_what_had_arrived_the_latest_last_and_at_most_so_many(store: FeatureStore) -> None:
    found = ask(store, [WORDS], ["ann"] * 5, [-1, 0, 15, 45, 60])
    assert found["word"].to_pylist() == [None, ["a"], ["a", "b"], ["a", "b", "e"], ["b", "e", "f"]]


def test_features_have_their_declared_types_and_a_key_that_is_null_or_unknown_has_none(store: FeatureStore) -> None:
    found = ask(store, [WORDS, AMOUNTS, "acts:size"], ["ann", None, "never"], [15] * 3)
    assert [found[name].type for name in ("word", "amount", "size")] == [
        pa.list_(pa.string()), pa.list_(pa.float32()), pa.list_(pa.int64()),
    ]  # fmt: skip
    assert found["word"].to_pylist() == [["a", "b"], None, None]
    first, second = found["amount"][0].as_py()
    assert first != first and pa.scalar(second, pa.float32()) == pa.scalar(0.1, pa.float32())


def test_keys_are_taken_in_the_types_that_rows_have(store: FeatureStore) -> None:
    assert ask(store, [WORDS], [7, 8], [60] * 2)["word"].to_pylist() == [["c"], None]
    with pytest.raises(HistoryError, match=r"view 'acts'.*key 'user_id'.*VARCHAR"):
        ask(store, [WORDS], [datetime(2026, 1, 1)], [60])


def test_many_rows_of_one_key_and_time_keep_their_order_and_values(store: FeatureStore) -> None:
    found = ask(store, [WORDS], ["ann", "7"] * 5_000, [60, 10] * 5_000)
    assert found["word"].to_pylist() == [["b", "e", "f"], None] * 5_000


def test_without_rows_there_is_one_for_every_arrival_in_the_range(store: FeatureStore) -> None:
    found = store.get_historical_features(features=[WORDS], start_date=moment(0), end_date=moment(20)).to_arrow()
    assert found.select(["user_id", "word"]).to_pylist() == [
        {"user_id": "ann", "word": ["a"]}, {"user_id": "ann", "word": ["a", "b"]}, {"user_id": "7", "word": ["c"]},
    ]  # fmt: skip


def test_full_names_frames_sql_and_files(store: FeatureStore, tmp_path: Path) -> None:
    rows = pd.DataFrame({"user_id": ["ann"], "event_timestamp": [moment(5)]})
    frame = store.get_historical_features(rows, [WORDS], full_feature_names=True).to_df()
    assert [list(each) for each in frame["acts__word"]] == [["a"]]
    sql = f"SELECT 'ann' AS user_id, TIMESTAMPTZ '{moment(5)}' AS event_timestamp"
    store.get_historical_features(sql, [WORDS]).to_parquet(tmp_path / "set.parquet")
    assert pq.read_table(tmp_path / "set.parquet")["word"].to_pylist() == [["a"]]


def test_batches_end_early_where_lists_are_long(store: FeatureStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streamrank.latest.offline.ELEMENTS", 30)
    times = pa.array([moment(60)] * 100, pa.timestamp("us", "UTC"))
    rows = pa.table({"user_id": ["ann"] * 100, "event_timestamp": times})
    batches = list(store.get_historical_features(rows, [WORDS, AMOUNTS]).to_record_batches())
    assert sum(batch.num_rows for batch in batches) == 100 and max(batch.num_rows for batch in batches) <= 11
    assert all(row == ["b", "e", "f"] for batch in batches for row in batch["word"].to_pylist())


def test_a_log_that_is_not_there_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    store = feature_store(tmp_path, [USER, feature_view(log=str(tmp_path / "log"))])
    with caplog.at_level(logging.WARNING):
        assert ask(store, [WORDS], ["ann"], [60])["word"].to_pylist() == [None]
    assert f"no event log at {tmp_path}/log yet" in caplog.text


def test_a_log_that_lacks_what_the_sql_reads_is_named(tmp_path: Path) -> None:
    store = filled(tmp_path, [act(0, "ann", "a")])
    other = feature_view(log=str(tmp_path / "log"), columns={}, sql="""
        SELECT event_time, shard, log_position, user_id, absent AS word, amount, 1 AS size FROM events""")  # fmt: skip
    with pytest.raises(Exception, match="absent"):
        store.apply([USER, other])
        ask(store, [WORDS], ["ann"], [60])
