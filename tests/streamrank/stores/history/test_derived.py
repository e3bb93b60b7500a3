"""Features derived on demand, in tables and in files."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from feast import FeatureStore, Field, RequestSource
from feast.on_demand_feature_view import on_demand_feature_view
from feast.types import Array, Float32, Int64
from feast_histories import at, feature_store, file_source, user, view, write

ROWS = 5_000


@pytest.fixture
def store(tmp_path: Path) -> FeatureStore:
    columns = {"user_id": list(range(ROWS)), "e": [at(0)] * ROWS, "f": [float(n) for n in range(ROWS)], "g": [1] * ROWS}
    stats = view("stats", file_source(write(tmp_path / "stats.parquet", columns)), {"f": Float32, "g": Int64})
    request = RequestSource(name="request", schema=[Field(name="bonus", dtype=Int64)])

    @on_demand_feature_view(
        sources=[stats, request], mode="python",
        schema=[Field(name="total", dtype=Float32), Field(name="pair", dtype=Array(Float32))],
    )  # fmt: skip
    def derived(inputs: dict) -> dict:
        summed = [None if f is None else np.float32(f + b) for f, b in zip(inputs["f"], inputs["bonus"], strict=True)]
        return {"total": summed, "pair": [[np.float32(0), np.float32(1)] for _ in summed]}

    return feature_store(tmp_path, [user, stats, derived])


def asked(rows: int) -> pa.Table:
    keys = pa.array([*range(rows - 1, 0, -1), -1])
    return pa.table({"user_id": keys, "bonus": [10] * rows, "event_timestamp": [at(0)] * rows})


@pytest.mark.parametrize("full", [False, True])
def test_derived_features_are_added_in_their_declared_types(store: FeatureStore, full: bool) -> None:
    found = store.get_historical_features(asked(3), ["derived:total", "stats:g"], full_feature_names=full).to_arrow()
    prefix = "derived__" if full else ""
    assert found[f"{prefix}total"].type == pa.float32()
    assert found[f"{prefix}total"].to_pylist() == [12.0, 11.0, None]
    assert f"{prefix}pair" not in found.column_names


def test_a_file_written_piece_by_piece_equals_the_table(store: FeatureStore, tmp_path: Path) -> None:
    job = store.get_historical_features(asked(ROWS), ["stats:f", "derived:total", "derived:pair"])
    job.to_parquet(tmp_path / "new" / "out.parquet", rows=2_048)
    assert pq.read_table(tmp_path / "new" / "out.parquet").equals(job.to_arrow())
    assert [file.name for file in (tmp_path / "new").iterdir()] == ["out.parquet"]


def test_batches_come_in_order_without_derived_features(store: FeatureStore) -> None:
    job = store.get_historical_features(asked(ROWS), ["stats:f", "derived:total"])
    batches = list(job.to_record_batches(2_048))
    whole = pa.Table.from_batches(batches)
    assert len(batches) > 1 and max(batch.num_rows for batch in batches) <= 4_096
    assert whole.equals(job.to_arrow().select(whole.column_names))
    assert "total" not in whole.column_names


def test_an_empty_answer_is_written_with_its_columns(store: FeatureStore, tmp_path: Path) -> None:
    job = store.get_historical_features(asked(1).slice(0, 0), ["stats:f"])
    job.to_parquet(tmp_path / "out.parquet")
    assert pq.read_table(tmp_path / "out.parquet").schema.names == ["user_id", "bonus", "event_timestamp", "f"]
