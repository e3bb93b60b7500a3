"""Windowed features as of a time, from the log, held against a count of every event in plain Python."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from feast import FeatureStore
from hypothesis import given, settings
from hypothesis import strategies as st
from windowed_histories import (
    HOUR,
    INSTANT,
    MINUTE,
    START,
    VIEWS,
    Asked,
    counted,
    edges,
    fill,
    histories,
    windowed_store,
)  # fmt: skip

REFERENCES = [f"{name}:{one.name}" for name, features in VIEWS.items() for one in features]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("windows")


@pytest.fixture(scope="module")
def store(folder: Path) -> FeatureStore:
    return windowed_store(folder, created_cutoff=True, threads=1)


@st.composite
def questions(draw: st.DrawFn) -> tuple[list[dict], list[dict]]:
    events = draw(histories())
    rows = st.fixed_dictionaries({
        "t": st.sampled_from(edges(events)) | st.integers(START - HOUR, START + 5 * HOUR),
        "item_id": st.sampled_from(["a", "b", "never", None]), "user_id": st.sampled_from([1, 2, 9]),
        "topic": st.sampled_from(["s", "t", None]),
    })  # fmt: skip
    return events, draw(st.lists(rows, min_size=1, max_size=40))


@settings(max_examples=10, deadline=None)
@given(question=questions())
def test_every_value_is_a_plain_count_of_the_events_that_had_arrived(
    folder: Path, store: FeatureStore, question: tuple[list[dict], list[dict]]
) -> None:
    events, rows = question
    fill(folder, events)
    found = store.get_historical_features(_table(rows), [*REFERENCES, "items:stars"]).to_arrow()
    for name, features in VIEWS.items():
        for one in features:
            assert_same(found[one.name], [_expected(name, one, events, row) for row in rows], one)
    assert found["stars"].to_pylist() == [_stars(row) for row in rows]


def assert_same(column: pa.ChunkedArray, expected: list, one: Asked) -> None:
    """Bit by bit as float32, null for missing."""
    values = [None if value is None else np.float32(value).tobytes() for value in column.to_pylist()]
    assert values == [None if value is None else value.tobytes() for value in expected], one


def _table(rows: list[dict]) -> pa.Table:
    columns = {name: [row[name] for row in rows] for name in ("item_id", "user_id", "topic")}
    texts = {name: pa.array(columns[name], pa.string()) for name in ("item_id", "topic")}
    return pa.table({**columns, **texts, "event_timestamp": pa.array([row["t"] for row in rows], INSTANT)})


def _expected(name: str, one: Asked, events: list[dict], row: dict) -> np.float32 | None:
    maker = {"a": "x" if row["t"] < START + HOUR else "y", "b": "x"}.get(row["item_id"])
    reached = maker if row["t"] >= START else None
    keys = {
        "item_windows": (row["item_id"],),
        "topic_windows": (row["topic"],),
        "pair_windows": (row["user_id"], reached),
    }
    return counted(name, one, events, keys[name], row["t"], lambda event: event["p"] <= row["t"])


def _stars(row: dict) -> float | None:
    if row["t"] < START or row["item_id"] not in ("a", "b"):
        return None
    return {"a": 1.0 if row["t"] < START + HOUR else 2.0, "b": 3.0}[row["item_id"]]


def test_a_log_that_is_not_there_yet_is_one_without_events(tmp_path: Path) -> None:
    store = windowed_store(tmp_path)
    rows = _table([{"t": START, "item_id": "a", "user_id": 1, "topic": "s"}])
    found = store.get_historical_features(rows, REFERENCES).to_arrow()
    assert found["item_n_count_60"].to_pylist() == [0] and found["item_n_count_60"].type == pa.int64()
    assert found["item_f_sum_10"].to_pylist() == [0.0] and found["item_f_mean_10"].to_pylist() == [None]
    assert found["topic_n_sum_0"].to_pylist() == [0.0] and found["pair_n_max_60"].to_pylist() == [None]


def test_a_late_event_counts_from_its_arrival_and_never_once_its_tile_has_left(tmp_path: Path) -> None:
    store = windowed_store(tmp_path)
    e = START - START % HOUR
    common = {"shard": 0, "user_id": 1, "item_id": "a", "creator_id": "x", "topics": None, "n": 1, "f": None}
    fill(tmp_path, [{**common, "e": e, "p": e + 9 * MINUTE}, {**common, "e": e, "p": e + 11 * MINUTE + 30}])
    times = [e + 9 * MINUTE - 1, e + 9 * MINUTE, e + 11 * MINUTE - 1, e + 11 * MINUTE, e + 11 * MINUTE + 30]
    rows = _table([{"t": t, "item_id": "a", "user_id": 1, "topic": None} for t in times])
    found = store.get_historical_features(rows, ["item_windows:item_n_sum_10", "item_windows:item_n_sum_60"]).to_arrow()
    assert found["item_n_sum_10"].to_pylist() == [0, 1, 1, 0, 0]
    assert found["item_n_sum_60"].to_pylist() == [0, 1, 1, 1, 2]
