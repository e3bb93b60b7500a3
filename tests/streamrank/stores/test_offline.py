"""The store as Feast calls it: pulls, limits, threads, validation."""

import logging
import os
import subprocess
import sys
import threading
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from feast import FeatureStore
from feast.errors import FeastJoinKeysDuringMaterialization
from feast.types import Float32
from feast_histories import at, feature_store, file_source, one_view, user, view, write

from streamrank.stores.history.errors import HistoryError

HISTORY = {
    "user_id": [1, 1, 1, 2, None, None],
    "e": [at(0), at(5), at(5), at(3), at(1), at(2)],
    "c": [at(0), at(5), at(20), None, at(1), at(2)],
    "f": [1.0, 2.0, 2.5, 3.0, 8.0, 9.0],
}


def pull(store: FeatureStore, kind: str, start: float, end: float, keys: list[str], **options) -> pa.Table:
    names = {"timestamp_field": "e", "created_timestamp_column": "c", "feature_name_columns": ["f"]} | options
    ask = getattr(store._get_provider().offline_store, f"pull_{kind}_from_table_or_query")
    source = store.get_feature_view("stats").batch_source
    job = ask(
        config=store.config, data_source=source, join_key_columns=keys, start_date=at(start), end_date=at(end), **names
    )
    return job.to_arrow()


def by_key(table: pa.Table) -> dict:
    return dict(zip(table["user_id"].to_pylist(), table["f"].to_pylist(), strict=True))


def test_the_latest_row_of_each_key_in_the_range(tmp_path: Path) -> None:
    store = one_view(tmp_path, HISTORY)
    assert by_key(pull(store, "latest", 0, 9, ["user_id"])) == {1: 2.5, 2: 3.0, None: 9.0}
    assert by_key(pull(store, "latest", 0, 3, ["user_id"])) == {1: 1.0, 2: 3.0, None: 9.0}
    assert pull(store, "latest", 0, 9, ["user_id"]).schema.names == ["user_id", "f", "e", "c"]
    assert pull(store, "latest", 0, 9, ["user_id"]).schema.field("e").type == pa.timestamp("us", "UTC")


def test_under_the_cutoff_the_range_is_of_when_rows_became_known(tmp_path: Path) -> None:
    store = one_view(tmp_path, HISTORY, created_cutoff=True)
    assert by_key(pull(store, "latest", 0, 9, ["user_id"])) == {1: 2.0, 2: 3.0, None: 9.0}
    assert by_key(pull(store, "latest", 10, 20, ["user_id"])) == {1: 2.5}


def test_the_latest_row_of_a_source_without_keys(tmp_path: Path) -> None:
    store = one_view(tmp_path, HISTORY)
    assert pull(store, "latest", 0, 9, [])["f"].to_pylist() == [2.5]
    assert pull(store, "latest", 50, 90, []).num_rows == 0


def test_all_rows_in_the_range_with_all_columns_when_none_are_named(tmp_path: Path) -> None:
    store = one_view(tmp_path, HISTORY)
    assert sorted(pull(store, "all", 2, 5, ["user_id"])["f"].to_pylist()) == [2.0, 2.5, 3.0, 9.0]
    assert pull(store, "all", 2, 5, [], feature_name_columns=[]).schema.names == ["user_id", "e", "c", "f"]


def test_pulls_name_missing_columns(tmp_path: Path) -> None:
    store = one_view(tmp_path, HISTORY)
    with pytest.raises(FeastJoinKeysDuringMaterialization, match="item_id"):
        pull(store, "latest", 0, 9, ["item_id"])
    with pytest.raises(HistoryError, match=r"stats\.parquet.*column 'g'.*found only"):
        pull(store, "all", 0, 9, ["user_id"], feature_name_columns=["g"])


def test_feast_materializes_views_with_and_without_entities(tmp_path: Path) -> None:
    users = write(tmp_path / "users.parquet", {"user_id": [1, 2], "e": [at(0), at(1)], "f": [1.0, 2.0]})
    world = write(tmp_path / "world.parquet", {"e": [at(0), at(1)], "g": [3.0, 4.0]})
    views = [view("stats", file_source(users), {"f": Float32}), view("world", file_source(world), {"g": Float32}, [])]
    store = feature_store(tmp_path, [user, *views])
    store.materialize(at(-1), at(9))
    found = store.get_online_features(["stats:f", "world:g"], [{"user_id": 2}]).to_dict()
    assert (found["f"], found["g"]) == ([2.0], [4.0])


def test_over_the_memory_limit_a_question_spills_and_leaves_nothing_behind(tmp_path: Path) -> None:
    rows = 400_000
    keys = pa.array(range(rows))
    history = {"user_id": keys, "e": pa.array([at(0)] * rows), "c": pa.array([at(0)] * rows)}
    values = {f"f{n}": keys.cast(pa.float32()) for n in range(4)}
    spill = tmp_path / "spill"
    spill.mkdir()
    store = one_view(tmp_path, history | values, memory_limit="40MB", threads=1, temp_directory=str(spill))
    asked = pa.table({"user_id": keys.take(pa.array(range(rows - 1, -1, -1))), "event_timestamp": [at(1)] * rows})

    job = store.get_historical_features(asked, [f"stats:{name}" for name in values])
    job.to_parquet(tmp_path / "out.parquet")

    found = pd.read_parquet(tmp_path / "out.parquet", columns=["user_id", "f0"])
    assert (found["user_id"].to_numpy(dtype="float32") == found["f0"].to_numpy()).all() and len(found) == rows
    assert not list(spill.iterdir())


def test_a_limit_that_does_not_suffice_says_what_to_do(tmp_path: Path) -> None:
    store = one_view(tmp_path, HISTORY, memory_limit="1MB", threads=1)
    rows = pa.table({"user_id": list(range(300_000)), "event_timestamp": [at(1)] * 300_000})
    with pytest.raises(HistoryError, match=r"memory_limit 1MB.*raise offline_store\.memory_limit"):
        store.get_historical_features(rows, ["stats:f"]).to_arrow()


def test_one_job_answers_many_threads(tmp_path: Path) -> None:
    rows = pa.table({"user_id": [1, 2], "event_timestamp": [at(4), at(5)]})
    job = one_view(tmp_path, HISTORY).get_historical_features(rows, ["stats:f"])
    found: list[list] = []
    threads = [threading.Thread(target=lambda: found.append(job.to_arrow()["f"].to_pylist())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [[1.0, 3.0]] * 8


def test_validation_names_a_time_column_that_is_missing_or_no_time(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = one_view(tmp_path, HISTORY)
    provider, place = store._get_provider(), tmp_path / "stats.parquet"
    provider.validate_data_source(store.config, file_source(place, created_timestamp_column="c"))
    with pytest.raises(HistoryError, match=r"stats\.parquet.*column 'made'"):
        provider.validate_data_source(store.config, file_source(place, created_timestamp_column="made"))
    with pytest.raises(HistoryError, match=r"column 'f': expected a time"):
        provider.validate_data_source(store.config, file_source(place, created_timestamp_column="f"))
    with caplog.at_level(logging.WARNING):
        provider.validate_data_source(store.config, file_source(tmp_path / "later.parquet"))
    assert "later.parquet" in caplog.text


def test_a_plain_question_prints_nothing(tmp_path: Path) -> None:
    one_view(tmp_path, HISTORY)
    asking = (
        "import pandas as pd\nfrom feast_histories import OFFLINE, at, feature_store\nfrom pathlib import Path\n"
        f"store = feature_store(Path({str(tmp_path)!r}))\n"
        "rows = pd.DataFrame({'user_id': [1], 'event_timestamp': [at(5)]})\n"
        "assert store.get_historical_features(rows, ['stats:f']).to_df()['f'].tolist() == [2.5]\n"
    )
    path = os.pathsep.join(str(place) for place in (Path.cwd() / "tests", Path.cwd()))
    done = subprocess.run(
        [sys.executable, "-c", asking],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
