"""Answers and rows that are written: data sets, batches, logs."""

import threading
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake
from feast import FeatureService, FeatureStore
from feast.data_format import DeltaFormat, ParquetFormat
from feast.errors import SavedDatasetLocationAlreadyExists
from feast.feature_logging import LoggingConfig
from feast.infra.offline_stores.file_source import FileLoggingDestination, SavedDatasetFileStorage
from feast.types import Float32, String
from feast_histories import at, feature_store, file_source, one_view, user, view, write

from streamrank.stores.history.errors import HistoryError

HISTORY = {"user_id": [1, 2], "e": [at(0), at(0)], "f": [1.0, 2.0]}
ASKED = pa.table({"user_id": [2, 1, 2], "event_timestamp": [at(5), at(1), at(-1)]})
MORE = pa.table({"user_id": [2], "e": [at(3)], "f": [9.0]})


def question(store: FeatureStore):
    return store.get_historical_features(ASKED, ["stats:f"])


@pytest.mark.filterwarnings("ignore:.*experimental:RuntimeWarning")
@pytest.mark.parametrize(
    ("place", "form"), [("saved.parquet", ParquetFormat()), ("saved", ParquetFormat()), ("delta", DeltaFormat())]
)
def test_a_saved_data_set_is_read_back_and_not_overwritten_unasked(tmp_path: Path, place: str, form) -> None:
    store = one_view(tmp_path, HISTORY)
    storage = SavedDatasetFileStorage(str(tmp_path / place), file_format=form)

    store.create_saved_dataset(question(store), "saved", storage)
    with pytest.raises(SavedDatasetLocationAlreadyExists):
        store.create_saved_dataset(question(store), "saved", storage)
    store.create_saved_dataset(question(store), "saved", storage, allow_overwrite=True)

    found = store.get_saved_dataset("saved").to_df().sort_values("event_timestamp")
    assert found["user_id"].tolist() == [2, 1, 2] and found["f"].fillna(-1).tolist() == [-1, 1.0, 2.0]
    assert not list(tmp_path.glob(".*"))


def test_a_data_set_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    store = one_view(tmp_path, HISTORY | {"f": ["a", "b"]}, {"f": Float32})
    for place in ("saved.parquet", "saved"):
        storage = SavedDatasetFileStorage(str(tmp_path / place))
        pq.write_table(ASKED, tmp_path / place)
        with pytest.raises(HistoryError):
            question(store).persist(storage, allow_overwrite=True)
        assert pq.read_table(tmp_path / place).equals(ASKED)
    assert not list(tmp_path.glob(".*"))


def written(store: FeatureStore, table: pa.Table) -> list:
    store.write_to_offline_store("stats", table.to_pandas())
    return question(store).to_arrow()["f"].to_pylist()


def test_rows_are_added_to_a_file(tmp_path: Path) -> None:
    store = one_view(tmp_path, HISTORY)
    assert written(store, MORE) == [9.0, 1.0, None]
    assert pq.read_table(tmp_path / "stats.parquet").num_rows == 3 and not list(tmp_path.glob(".*"))


def test_writers_of_one_file_do_not_lose_each_others_rows(tmp_path: Path) -> None:
    store = one_view(tmp_path, HISTORY)
    frame = MORE.to_pandas()
    threads = [threading.Thread(target=store.write_to_offline_store, args=("stats", frame)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert pq.read_table(tmp_path / "stats.parquet").num_rows == 2 + 8


def test_rows_are_added_to_a_folder_as_a_new_file(tmp_path: Path) -> None:
    write(tmp_path / "rows" / "a.parquet", HISTORY)
    store = feature_store(tmp_path, [user, view("stats", file_source(tmp_path / "rows"), {"f": Float32})])
    assert written(store, MORE) == [9.0, 1.0, None]
    assert len(list((tmp_path / "rows").iterdir())) == 2


def test_rows_are_added_to_their_hive_partition(tmp_path: Path) -> None:
    write(tmp_path / "rows" / "country=DE" / "a.parquet", HISTORY)
    source = file_source(tmp_path / "rows")
    store = feature_store(tmp_path, [user, view("stats", source, {"f": Float32, "country": String})])
    assert written(store, MORE.append_column("country", pa.array(["FR"]))) == [9.0, 1.0, None]
    assert len(list((tmp_path / "rows" / "country=FR").iterdir())) == 1


def test_rows_are_added_to_a_delta_table_as_a_commit(tmp_path: Path) -> None:
    write_deltalake(str(tmp_path / "rows"), pa.table(HISTORY))
    source = file_source(tmp_path / "rows", file_format=DeltaFormat())
    store = feature_store(tmp_path, [user, view("stats", source, {"f": Float32})])
    assert written(store, MORE) == [9.0, 1.0, None]
    assert DeltaTable(str(tmp_path / "rows")).version() == 1


@pytest.mark.parametrize("wrong", [MORE.drop(["f"]), MORE.rename_columns(["user_id", "e", "g"])])
def test_rows_with_other_columns_are_refused(tmp_path: Path, wrong: pa.Table) -> None:
    store = one_view(tmp_path, HISTORY)
    before = (tmp_path / "stats.parquet").read_bytes()
    with pytest.raises(HistoryError, match=r"view 'stats'.*expected columns.*'f'"):
        store._get_provider().ingest_df_to_offline_store(store.get_feature_view("stats"), wrong)
    assert (tmp_path / "stats.parquet").read_bytes() == before


def test_rows_of_another_type_and_a_glob_are_refused(tmp_path: Path) -> None:
    store = one_view(tmp_path, HISTORY)
    with pytest.raises(HistoryError, match=r"stats\.parquet.*f"):
        written(store, MORE.set_column(2, "f", pa.array(["x"])))
    glob = feature_store(tmp_path, [user, view("stats", file_source(tmp_path / "st*.parquet"), {"f": Float32})])
    with pytest.raises(HistoryError, match=r"a file or a folder.*a glob"):
        written(glob, MORE)


@pytest.mark.parametrize("partition_by", [None, ["stats__f"]])
def test_logged_features_are_added_and_read_back(tmp_path: Path, partition_by: list[str] | None) -> None:
    stats = view("stats", file_source(write(tmp_path / "stats.parquet", HISTORY)), {"f": Float32})
    destination = FileLoggingDestination(path="logs", partition_by=partition_by)
    service = FeatureService(name="all", features=[stats], logging_config=LoggingConfig(destination=destination))
    store = feature_store(tmp_path, [user, stats, service])
    logs = pa.table({
        "user_id": [1, 2], "stats__f": pa.array([1.0, 2.0], pa.float32()), "stats__f__timestamp": [at(0)] * 2,
        "stats__f__status": pa.array([1, 1], pa.int32()), "__request_id": ["x", "y"], "__log_timestamp": [at(7), at(8)],
        "__log_date": [at(7).date()] * 2,
    })  # fmt: skip

    store.write_logged_features(logs, service)
    write(tmp_path / "chunk" / "a.parquet", dict(zip(logs.column_names, logs.columns, strict=True)))
    store.write_logged_features(tmp_path / "chunk", service)

    read = store._get_provider().retrieve_feature_service_logs(
        service, at(7), at(7), store.config, store.registry
    ).to_arrow()  # fmt: skip
    assert read["user_id"].to_pylist() == [1, 1] and read["stats__f"].to_pylist() == [1.0, 1.0]


def test_an_answer_is_staged_for_others(tmp_path: Path) -> None:
    job = question(one_view(tmp_path, HISTORY, staging_location=str(tmp_path / "staged")))
    assert job.supports_remote_storage_export()
    assert pa.concat_tables(map(pq.read_table, job.to_remote_storage())).equals(job.to_arrow())
    assert not question(one_view(tmp_path, HISTORY)).supports_remote_storage_export()
