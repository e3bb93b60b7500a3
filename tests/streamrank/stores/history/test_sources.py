"""Where a view's rows may lie."""

import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import write_deltalake
from feast import FeatureStore, FeatureView, FileSource
from feast.data_format import DeltaFormat, ParquetFormat
from feast.types import Array, Float32, Float64, Int64, String, UnixTimestamp
from feast_histories import at, feature_store, file_source, user, view, write

from streamrank.stores.history.errors import HistoryError

FIRST = {"user_id": [1, 2], "e": [at(0), at(0)], "f": [1.0, 2.0]}
SECOND = {"user_id": [1, 3], "e": [at(5), at(5)], "f": [3.0, 4.0]}
ASKED = pa.table({"user_id": [1, 1, 2, 3], "event_timestamp": [at(4), at(5), at(9), at(9)]})
LARGE = pa.large_list(pa.float64())
EXPECTED = [1.0, 3.0, 2.0, 4.0]


def store_on(folder: Path, source: FileSource, features: dict | None = None) -> FeatureStore:
    return feature_store(folder, [user, view("stats", source, features or {"f": Float32})])


def found(store: FeatureStore, feature: str = "f") -> list:
    return store.get_historical_features(ASKED, [f"stats:{feature}"]).to_arrow()[feature].to_pylist()


def two_files(folder: Path) -> Path:
    write(folder / "a.parquet", FIRST)
    write(folder / "b.parquet", SECOND)
    return folder


def test_a_folder_is_read_without_what_writers_hide(tmp_path: Path) -> None:
    folder = two_files(tmp_path / "rows")
    write(folder / ".b.parquet.unfinished", {"user_id": [1], "e": [at(5)], "f": [99.0]})
    write(folder / "_temporary" / "c.parquet", {"user_id": [1], "e": [at(5)], "f": [99.0]})
    assert found(store_on(tmp_path, file_source(folder))) == EXPECTED


@pytest.mark.parametrize("pattern", ["rows/*.parquet", "**/[ab].parquet"])
def test_a_glob_is_read(tmp_path: Path, pattern: str) -> None:
    two_files(tmp_path / "rows")
    assert found(store_on(tmp_path, file_source(tmp_path / pattern))) == EXPECTED


def test_the_types_of_undeclared_features_are_those_of_the_files(tmp_path: Path) -> None:
    lists = {"names": pa.array([["a"], []]), "times": pa.array([[at(0)], None]), "wide": pa.array([[0.5], []], LARGE)}
    write(tmp_path / "rows" / "country=DE" / "a.parquet", FIRST | lists)
    store = feature_store(tmp_path)
    store.apply([user, FeatureView(name="stats", entities=[user], source=file_source(tmp_path / "rows"))])
    assert {field.name: field.dtype for field in store.get_feature_view("stats").features} == {
        "f": Float64, "country": String, "names": Array(String), "times": Array(UnixTimestamp), "wide": Array(Float64),
    }  # fmt: skip


def test_a_relative_path_starts_at_the_repository(tmp_path: Path) -> None:
    two_files(tmp_path / "rows")
    assert found(store_on(tmp_path, file_source("rows"))) == EXPECTED


def test_hive_partitions_are_columns(tmp_path: Path) -> None:
    write(tmp_path / "rows" / "country=DE" / "a.parquet", FIRST)
    write(tmp_path / "rows" / "country=FR" / "a.parquet", SECOND)
    store = store_on(tmp_path, file_source(tmp_path / "rows"), {"f": Float32, "country": String})
    assert found(store) == EXPECTED and found(store, "country") == ["DE", "FR", "DE", "FR"]


def test_a_column_that_older_files_lack_is_missing_there(tmp_path: Path) -> None:
    write(tmp_path / "rows" / "a.parquet", FIRST)
    write(tmp_path / "rows" / "b.parquet", SECOND | {"g": [7, 8]})
    store = store_on(tmp_path, file_source(tmp_path / "rows"), {"f": Float32, "g": Int64})
    assert found(store) == EXPECTED and found(store, "g") == [None, 7, None, 8]


@pytest.mark.parametrize("partitions", [None, ["f"]])
def test_a_delta_table_is_read_at_its_last_version(tmp_path: Path, partitions: list[str] | None) -> None:
    place = str(tmp_path / "delta")
    write_deltalake(place, pa.table(FIRST | {"f": [99.0, 99.0]}), partition_by=partitions)
    write_deltalake(place, pa.table(FIRST), mode="overwrite", partition_by=partitions)
    write_deltalake(place, pa.table(SECOND), mode="append")
    assert found(store_on(tmp_path, file_source(place, file_format=DeltaFormat()))) == EXPECTED
    assert found(store_on(tmp_path, file_source("delta", file_format=DeltaFormat()))) == EXPECTED


def test_mapped_columns_are_found_by_their_feature_names(tmp_path: Path) -> None:
    renamed = {"uid": FIRST["user_id"], "when": FIRST["e"], "made": FIRST["e"], "raw": FIRST["f"]}
    path = write(tmp_path / "rows.parquet", renamed)
    mapping = {"uid": "user_id", "when": "e", "made": "c", "raw": "f"}
    store = store_on(tmp_path, file_source(path, field_mapping=mapping, created_timestamp_column="c"))
    assert found(store) == [1.0, 1.0, 2.0, None]


def test_a_file_may_have_any_name_when_its_format_is_declared(tmp_path: Path) -> None:
    path = write(tmp_path / "rows'of.data", FIRST)
    assert found(store_on(tmp_path, file_source(path, file_format=ParquetFormat()))) == [1.0, 1.0, 2.0, None]


def test_file_uris_are_read(tmp_path: Path) -> None:
    path = write(tmp_path / "rows.parquet", FIRST)
    assert found(store_on(tmp_path, file_source(f"file://{path}"))) == [1.0, 1.0, 2.0, None]


def test_a_source_without_files_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "rows.parquet", FIRST)
    store = store_on(tmp_path, file_source(path))
    os.remove(path)
    with pytest.raises(HistoryError, match=r"view 'stats'.*rows\.parquet.*found none"):
        found(store)


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "rows.parquet", FIRST)
    store = store_on(tmp_path, file_source(path))
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(HistoryError, match=r"view 'stats'.*rows\.parquet.*whole Parquet"):
        found(store)


def test_a_folder_that_is_no_delta_table_is_named(tmp_path: Path) -> None:
    write_deltalake(str(tmp_path / "delta"), pa.table(FIRST))
    store = store_on(tmp_path, file_source(tmp_path / "delta", file_format=DeltaFormat()))
    os.rename(tmp_path / "delta", tmp_path / "gone")
    with pytest.raises(HistoryError, match=r"view 'stats'.*expected a Delta table"):
        found(store)


def test_several_row_groups_of_several_files_are_told_apart(tmp_path: Path) -> None:
    for number in range(3):
        columns = {"user_id": list(range(100)), "e": [at(number)] * 100, "f": [number * 100.0 + i for i in range(100)]}
        (tmp_path / "rows").mkdir(exist_ok=True)
        pq.write_table(pa.table(columns), tmp_path / "rows" / f"{number}.parquet", row_group_size=10)
    store = store_on(tmp_path, file_source(tmp_path / "rows"))
    asked = pa.table({"user_id": [7, 99, 0], "event_timestamp": [at(1), at(2), at(0)]})
    assert store.get_historical_features(asked, ["stats:f"]).to_arrow()["f"].to_pylist() == [107.0, 299.0, 0.0]
