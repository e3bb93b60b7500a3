"""Sources and answers in an S3 object store."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.fs as fs
import pyarrow.parquet as pq
import pytest
from deltalake import write_deltalake
from feast import FeatureStore
from feast.data_format import DeltaFormat
from feast.errors import SavedDatasetLocationAlreadyExists
from feast.infra.offline_stores.file_source import SavedDatasetFileStorage
from feast.types import Float32, String
from feast_histories import at, feature_store, file_source, user, view
from moto.server import ThreadedMotoServer

from streamrank.stores.history.errors import HistoryError

FIRST = pa.table({"user_id": [1, 2], "e": [at(0), at(0)], "f": [1.0, 2.0]})
SECOND = pa.table({"user_id": [1, 3], "e": [at(5), at(5)], "f": [3.0, 4.0]})
ASKED = pa.table({"user_id": [1, 1, 2, 3], "event_timestamp": [at(4), at(5), at(9), at(9)]})
EXPECTED = [1.0, 3.0, 2.0, 4.0]


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()


@pytest.fixture
def bucket(endpoint: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> fs.FileSystem:
    """An empty bucket of its own for the test, by the name of its folder."""
    keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1"}
    for name, value in (keys | {"AWS_DEFAULT_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true"}).items():
        monkeypatch.setenv(name, value)
    system = fs.S3FileSystem(endpoint_override=endpoint, allow_bucket_creation=True)
    name = place(tmp_path)
    system.create_dir(name)
    return fs.SubTreeFileSystem(name, system)


def place(folder: Path) -> str:
    return folder.name.replace("_", "-").lower().strip("-")


def store_on(folder: Path, path: str, endpoint: str, features: dict | None = None, **options) -> FeatureStore:
    source = file_source(f"s3://{place(folder)}/{path}", s3_endpoint_override=endpoint, **options)
    return feature_store(folder, [user, view("stats", source, features or {"f": Float32})])


def found(store: FeatureStore, feature: str = "f") -> list:
    return store.get_historical_features(ASKED, [f"stats:{feature}"]).to_arrow()[feature].to_pylist()


def put(bucket: fs.FileSystem, path: str, table: pa.Table) -> None:
    bucket.create_dir(path.rpartition("/")[0] or ".")
    pq.write_table(table, path, filesystem=bucket)


@pytest.mark.parametrize("path", ["rows", "rows/*/*.parquet", "rows/**/*.parquet"])
def test_prefixes_and_globs_are_read_with_their_hive_partitions(
    tmp_path: Path, bucket: fs.FileSystem, endpoint: str, path: str
) -> None:
    put(bucket, "rows/country=DE/a.parquet", FIRST)
    put(bucket, "rows/country=FR/b.parquet", SECOND)
    store = store_on(tmp_path, path, endpoint, {"f": Float32, "country": String})
    assert found(store) == EXPECTED and found(store, "country") == ["DE", "FR", "DE", "FR"]


def test_rows_are_added_to_an_object_and_to_a_prefix(tmp_path: Path, bucket: fs.FileSystem, endpoint: str) -> None:
    put(bucket, "one.parquet", FIRST)
    put(bucket, "many/a.parquet", FIRST)
    for path in ("one.parquet", "many"):
        store = store_on(tmp_path, path, endpoint)
        store._get_provider().ingest_df_to_offline_store(store.get_feature_view("stats"), SECOND)
        assert found(store) == EXPECTED


def test_a_delta_table_is_read(tmp_path: Path, bucket: fs.FileSystem, endpoint: str) -> None:
    options = {"AWS_ENDPOINT_URL": endpoint, "AWS_ALLOW_HTTP": "true"}
    for table in (FIRST, SECOND):
        write_deltalake(f"s3://{place(tmp_path)}/delta", table, mode="append", storage_options=options)
    assert found(store_on(tmp_path, "delta", endpoint, file_format=DeltaFormat())) == EXPECTED


@pytest.mark.parametrize("path", ["saved.parquet", "saved", "delta"])
def test_an_answer_is_saved(tmp_path: Path, bucket: fs.FileSystem, endpoint: str, path: str) -> None:
    put(bucket, "one.parquet", FIRST)
    store = store_on(tmp_path, "one.parquet", endpoint)
    job = store.get_historical_features(ASKED, ["stats:f"])
    form = {"file_format": DeltaFormat()} if path == "delta" else {}
    storage = SavedDatasetFileStorage(f"s3://{place(tmp_path)}/{path}", s3_endpoint_override=endpoint, **form)
    for _ in range(2):
        job.persist(storage, allow_overwrite=True)
    pull = store._get_provider().offline_store.pull_all_from_table_or_query
    saved = pull(store.config, storage.to_data_source(), ["user_id"], ["f"], "event_timestamp").to_arrow()
    assert saved.select(["user_id", "f"]).equals(job.to_arrow().select(["user_id", "f"]))
    with pytest.raises(SavedDatasetLocationAlreadyExists):
        job.persist(storage)


def test_an_object_that_is_not_there_is_named(tmp_path: Path, bucket: fs.FileSystem, endpoint: str) -> None:
    store = store_on(tmp_path, "nothing.parquet", endpoint)
    with pytest.raises(HistoryError, match=r"view 'stats'.*nothing\.parquet.*s3_endpoint_override"):
        found(store)
