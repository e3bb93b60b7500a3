"""The types of values and what does not fit them."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from feast import types
from feast.types import Array, Float32, Float64, Int32, Int64, Set, String, Struct, UnixTimestamp
from feast_histories import at, feature_store, file_source, one_view, user, view, write

from streamrank.stores.history.errors import HistoryError

MOMENT = datetime(2026, 1, 2, 3, 4, 5, 678_901, tzinfo=UTC)
DAY = 86_400_000_000
STRINGS = pa.map_(pa.string(), pa.string())
WHOLE = {
    "bytes": (types.Bytes, pa.array([b"\x00\xff", None])),
    "image": (types.ImageBytes, pa.array([b"png", None])),
    "text": (String, pa.array(["ä", None])),
    "flag": (types.Bool, pa.array([True, None])),
    "int32": (Int32, pa.array([-(2**31), None], pa.int32())),
    "int64": (Int64, pa.array([2**63 - 1, None])),
    "float32": (Float32, pa.array([0.1, None], pa.float32())),
    "float64": (Float64, pa.array([0.1, None])),
    "moment": (UnixTimestamp, pa.array([MOMENT, None], pa.timestamp("us", "UTC"))),
    "json": (types.Json, pa.array(['{"a": 1}', None], pa.large_string())),
    "uuid": (types.Uuid, pa.array(["0b4b8a3e-8d4e-4a6b-9a57-2f9a3c1d5e6f", None])),
    "decimal": (types.Decimal, pa.array(["1.50", None])),
    "zoned": (types.ZonedTimestamp, pa.array([MOMENT, None], pa.timestamp("us", "UTC"))),
    "map": (types.Map, pa.array([[("a", "b")], None], STRINGS)),
    "struct": (Struct({"a": Int64, "b": String}), pa.array([{"a": 1, "b": "x"}, None])),
    "texts": (Array(String), pa.array([["a", None], None], pa.list_(pa.string()))),
    "numbers": (Array(Float32), pa.array([[0.1, None], []], pa.list_(pa.float32()))),
    "blobs": (Array(types.Bytes), pa.array([[b"a"], None], pa.list_(pa.binary()))),
    "flags": (Array(types.Bool), pa.array([[True], None], pa.list_(pa.bool_()))),
    "moments": (Array(UnixTimestamp), pa.array([[MOMENT], None], pa.list_(pa.timestamp("us", "UTC")))),
    "set": (Set(Int64), pa.array([[1, 2], None], pa.list_(pa.int64()))),
    "maps": (Array(types.Map), pa.array([[[("a", "b")]], None], pa.list_(STRINGS))),
    "nested": (Array(Array(Int64)), pa.array([[[1], []], None], pa.list_(pa.list_(pa.int64())))),
}
KEYS = {"user_id": [1, 2], "e": [at(0), at(0)]}
ASKED = pa.table({"user_id": [2, 1], "event_timestamp": [at(0), at(0)]})


def test_every_feast_type_comes_back_whole(tmp_path: Path) -> None:
    path = write(tmp_path / "stats.parquet", KEYS | {name: column for name, (_, column) in WHOLE.items()})
    stats = view("stats", file_source(path), {name: dtype for name, (dtype, _) in WHOLE.items()})
    store = feature_store(tmp_path, [user, stats])
    found = store.get_historical_features(ASKED, [f"stats:{name}" for name in WHOLE]).to_arrow()
    for name, (_, column) in WHOLE.items():
        assert found[name].type == column.type, name
        assert found[name].to_pylist() == column.to_pylist()[::-1], name


SINGLE = pa.array([0.1, 16_777_217.0]).cast(pa.float32())
FITTING = [
    (Float32, pa.array([0.1, 16_777_217.0]), SINGLE.cast(pa.float64())),  # as served, and as wide as the source
    (Float32, pa.array([16_777_217, None]), pa.array([16_777_216, None], pa.float32())),
    (Int64, pa.array([3.0, None]), pa.array([3, None], pa.int64())),
    (Int32, pa.array([3, None], pa.int64()), pa.array([3, None], pa.int64())),
    (Int64, pa.array([3, None], pa.int32()), pa.array([3, None], pa.int64())),
    (String, pa.array([3, None]), pa.array(["3", None])),
    (types.Bool, pa.array([1, 0]), pa.array([True, False])),
    (types.Decimal, pa.array([Decimal("1.50"), None]), pa.array(["1.50", None])),
    (UnixTimestamp, pa.array([5, None]), pa.array([5_000_000, None]).cast(pa.timestamp("us", "UTC"))),
    (UnixTimestamp, pa.array([date(1970, 1, 2), None]), pa.array([DAY, None]).cast(pa.timestamp("us", "UTC"))),
    (Array(Float32), pa.array([[0.1], None]), pa.array([[float(np.float32(0.1))], None])),
    (Array(Int64), pa.array([[1], [2]], pa.list_(pa.int32(), 1)), pa.array([[1], [2]], pa.list_(pa.int64()))),
    (Float32, pa.nulls(2), pa.nulls(2, pa.float32())),
    (Array(String), pa.nulls(2), pa.nulls(2, pa.list_(pa.string()))),
    (types.Map, pa.array([{"a": 1}, None]), pa.array([{"a": 1}, None])),
]  # fmt: skip


@pytest.mark.parametrize(("dtype", "stored", "expected"), FITTING)
def test_values_come_in_the_declared_type(tmp_path: Path, dtype, stored: pa.Array, expected: pa.Array) -> None:
    found = (
        one_view(tmp_path, KEYS | {"f": stored}, {"f": dtype}).get_historical_features(ASKED, ["stats:f"]).to_arrow()
    )
    assert found["f"].combine_chunks().equals(expected.take(pa.array([1, 0])))


@pytest.mark.parametrize(
    ("dtype", "stored", "found"),
    [
        (Int32, [2**31, 1], "int64"),
        (Int64, [1.5, 1.0], "double"),
        (Float32, ["a", "b"], "string"),
        (types.Bool, [2, 1], "int64"),
        (Array(Float32), [1.0, 2.0], "double"),
        (Float32, [[1.0], [2.0]], "list"),
    ],
)
def test_values_that_do_not_fit_their_field_are_named(tmp_path: Path, dtype, stored: list, found: str) -> None:
    store = one_view(tmp_path, KEYS | {"f": stored}, {"f": dtype})
    job = store.get_historical_features(ASKED, ["stats:f"])
    message = rf"view 'stats'.*stats\.parquet.*column 'f': expected .*{dtype}.* as declared, found .*{found}.*change"
    for run in (job.to_arrow, job.to_df, lambda: job.to_parquet(tmp_path / "out.parquet")):
        with pytest.raises(HistoryError, match=message.replace("(", r"\(").replace(")", r"\)")):
            run()
    assert not list(tmp_path.glob("*out*"))


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    store = one_view(tmp_path, KEYS | {"g": [1.0, 2.0]}, {"f": Float32})
    with pytest.raises(HistoryError, match=r"view 'stats'.*stats\.parquet.*column 'f'.*found only.*'g'.*field_mapping"):
        store.get_historical_features(ASKED, ["stats:f"]).to_arrow()


@pytest.mark.parametrize("times", [[1, 2], [1.0, 2.0], [True, False]])
def test_a_time_column_that_is_no_time_is_named(tmp_path: Path, times: list) -> None:
    path = write(tmp_path / "stats.parquet", {"user_id": [1, 2], "e": times, "f": [1.0, 2.0]})
    store = feature_store(tmp_path, [user, view("stats", file_source(path), {"f": Float32})])
    with pytest.raises(HistoryError, match=r"view 'stats'.*stats\.parquet.*column 'e': expected a time"):
        store.get_historical_features(ASKED, ["stats:f"]).to_arrow()


def test_text_that_is_no_time_is_named_when_it_is_read(tmp_path: Path) -> None:
    store = one_view(tmp_path, KEYS | {"e": ["2026-01-01", "soon"], "f": [1.0, 2.0]})
    with pytest.raises(HistoryError, match=r"view 'stats'.*column 'e': expected a time.*soon"):
        store.get_historical_features(ASKED, ["stats:f"]).to_arrow()


def test_times_finer_than_a_microsecond_are_cut_off_towards_the_past(tmp_path: Path) -> None:
    nanoseconds = np.array([1_999, -1], dtype="datetime64[ns]")
    store = one_view(tmp_path, {"user_id": [1, 1], "e": pa.array(nanoseconds), "f": [1.0, 2.0]})
    asked = pa.table({"user_id": [1] * 3, "event_timestamp": pa.array(np.array([999, 1_000, -1], "datetime64[ns]"))})
    assert store.get_historical_features(asked, ["stats:f"]).to_arrow()["f"].to_pylist() == [2.0, 1.0, 2.0]
