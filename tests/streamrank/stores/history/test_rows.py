"""The rows for which features are asked."""

from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa
import pytest
from feast.errors import EntityTimestampInferenceException, FeastEntityDFMissingColumnsError
from feast.types import Float32
from feast_histories import START, at, feature_store, file_source, one_view, user, view, write

from streamrank.stores.history.errors import HistoryError

HISTORY = {"user_id": [1, 1, 2], "e": [at(0), at(10), at(0)], "f": [1.0, 2.0, 3.0]}
EXPECTED = [2.0, 3.0, 1.0, 2.0, None]
ASKED = {"user_id": [1, 2, 1, 1, None], "event_timestamp": [at(10), at(50), at(9), at(10), at(10)]}
UNITS = ["s", "ms", "us", "ns"]


def features(store, rows, **options) -> pa.Table:
    return store.get_historical_features(rows, ["stats:f"], **options).to_arrow()


@pytest.mark.parametrize("zone", [None, "UTC", "Europe/Berlin"])
@pytest.mark.parametrize("unit", UNITS)
def test_arrow_rows_keep_their_order_duplicates_and_types_in_every_time_unit(
    tmp_path: Path, unit: str, zone: str | None
) -> None:
    asked = pa.table(ASKED).cast(pa.schema([("user_id", pa.int32()), ("event_timestamp", pa.timestamp("us", "UTC"))]))
    times = asked["event_timestamp"].cast(pa.timestamp(unit, "UTC")).cast(pa.timestamp(unit, zone))
    asked = asked.set_column(1, "event_timestamp", times)

    found = features(one_view(tmp_path, HISTORY), asked)

    assert found["f"].to_pylist() == EXPECTED
    assert found.select(asked.column_names).equals(asked)


@pytest.mark.parametrize("zone", [None, "UTC", "America/New_York"])
@pytest.mark.parametrize("unit", UNITS)
def test_sources_with_times_in_every_unit_are_read(tmp_path: Path, unit: str, zone: str | None) -> None:
    times = pa.array(HISTORY["e"]).cast(pa.timestamp(unit, "UTC")).cast(pa.timestamp(unit, zone))
    assert features(one_view(tmp_path, HISTORY | {"e": times}), pa.table(ASKED))["f"].to_pylist() == EXPECTED


def test_sources_with_dates_or_text_as_times_are_read(tmp_path: Path) -> None:
    for number, times in enumerate((pa.array([START.date()]), pa.array(["2026-03-01 01:00:00+01:00"]))):
        store = one_view(tmp_path / str(number), {"user_id": [1], "e": times, "f": [1.0]})
        asked = pa.table({"user_id": [1, 1], "event_timestamp": [at(-1), at(0)]})
        assert features(store, asked)["f"].to_pylist() == [None, 1.0]


def test_a_frame_comes_back_with_its_columns_and_stays_as_it_was(tmp_path: Path) -> None:
    frame = pd.DataFrame({"note": list("abc"), "user_id": [2, 1, 1], "event_timestamp": [at(0), at(10), at(-1)]})
    frame.index = [7, 7, 9]
    before = frame.copy()

    found = one_view(tmp_path, HISTORY).get_historical_features(frame, ["stats:f"]).to_df()

    assert list(found.columns) == ["note", "user_id", "event_timestamp", "f"]
    assert found["note"].tolist() == list("abc") and found["f"].fillna(-1).tolist() == [3.0, 2.0, -1]
    pd.testing.assert_frame_equal(frame, before)


def test_a_frame_may_hold_its_times_as_text_or_objects(tmp_path: Path) -> None:
    store = one_view(tmp_path, HISTORY)
    for times in (["2026-03-01T00:00:10Z", "2026-03-01T00:00:09"], [at(10), at(9).replace(tzinfo=None)]):
        frame = pd.DataFrame({"user_id": [1, 1], "event_timestamp": pd.Series(times, dtype=object)})
        assert features(store, frame)["f"].to_pylist() == [2.0, 1.0]


def test_sql_rows_are_answered_in_their_order(tmp_path: Path) -> None:
    write(tmp_path / "asked.parquet", ASKED)
    sql = f"SELECT *, 'x' AS note FROM read_parquet('{tmp_path}/asked.parquet') ORDER BY event_timestamp, user_id;"
    job = one_view(tmp_path, HISTORY).get_historical_features(sql, ["stats:f"])
    assert job.to_arrow().column_names == ["user_id", "event_timestamp", "note", "f"]
    assert job.to_arrow()["f"].to_pylist() == [1.0, 2.0, 2.0, None, 3.0]
    assert (job.metadata.min_event_timestamp, job.metadata.max_event_timestamp) == (at(9), at(50))
    assert job.metadata.keys == ["user_id", "note"]


def test_the_only_time_column_is_the_event_timestamp(tmp_path: Path) -> None:
    store = one_view(tmp_path, HISTORY)
    assert features(store, pa.table({"user_id": [1], "seen": [at(10)]}))["f"].to_pylist() == [2.0]
    with pytest.raises(EntityTimestampInferenceException):
        store.get_historical_features(pa.table({"user_id": [1], "seen": [at(10)], "left": [at(11)]}), ["stats:f"])


def test_no_rows_give_an_answer_of_the_same_columns(tmp_path: Path) -> None:
    found = features(one_view(tmp_path, HISTORY), pa.table(ASKED).slice(0, 0))
    assert found.num_rows == 0 and found.schema.field("f").type == pa.float64()


def test_without_entity_rows_every_change_in_the_range_is_a_row(tmp_path: Path) -> None:
    source = file_source(write(tmp_path / "stats.parquet", HISTORY))
    other = write(tmp_path / "other.parquet", {"user_id": [1, None], "e": [at(5), at(5)], "g": [9.0, 8.0]})
    views = [view("stats", source, {"f": Float32}), view("other", file_source(other), {"g": Float32}, ttl=3)]
    store = feature_store(tmp_path, [user, *views])

    found = store.get_historical_features(features=["stats:f", "other:g"], start_date=at(0), end_date=at(9)).to_arrow()

    assert found.to_pylist() == [
        {"event_timestamp": at(0), "user_id": 1, "f": 1.0, "g": None},
        {"event_timestamp": at(0), "user_id": 2, "f": 3.0, "g": None},
        {"event_timestamp": at(5), "user_id": 1, "f": 1.0, "g": 9.0},
    ]


def test_under_the_cutoff_a_row_of_the_range_is_a_time_at_which_something_became_known(tmp_path: Path) -> None:
    history = {"user_id": [1, 1], "e": [at(0), at(1)], "c": [at(4), None], "f": [1.0, 2.0]}
    store = one_view(tmp_path, history, created_cutoff=True)
    found = store.get_historical_features(features=["stats:f"], start_date=at(0), end_date=at(9)).to_arrow()
    assert found.select(["event_timestamp", "f"]).to_pylist() == [
        {"event_timestamp": at(1), "f": 2.0},
        {"event_timestamp": at(4), "f": 2.0},
    ]


def test_a_missing_key_is_named(tmp_path: Path) -> None:
    with pytest.raises(FeastEntityDFMissingColumnsError, match="user_id"):
        features(one_view(tmp_path, HISTORY), pa.table({"event_timestamp": [at(0)]}))


def test_rows_that_already_have_the_feature_are_refused(tmp_path: Path) -> None:
    rows = pa.table({"user_id": [1], "event_timestamp": [at(0)], "f": [1.0]})
    with pytest.raises(HistoryError, match=r"'f'.*rename"):
        features(one_view(tmp_path, HISTORY), rows)
    assert features(one_view(tmp_path, HISTORY), rows, full_feature_names=True)["stats__f"].to_pylist() == [1.0]


def test_text_that_is_no_time_is_refused(tmp_path: Path) -> None:
    rows = pa.table({"user_id": [1], "event_timestamp": ["soon"]})
    with pytest.raises(HistoryError, match=r"event_timestamp.*soon"):
        features(one_view(tmp_path, HISTORY), rows)


def test_the_statement_can_be_shown_and_planned(tmp_path: Path) -> None:
    sql = f"SELECT 1 AS user_id, TIMESTAMPTZ '{START}' AS event_timestamp"
    shown = one_view(tmp_path, HISTORY).get_historical_features(sql, ["stats:f"]).to_sql()
    assert "ASOF JOIN" in shown and duckdb.extract_statements(shown)


def test_a_frame_with_a_column_of_mixed_types_is_refused(tmp_path: Path) -> None:
    frame = pd.DataFrame({"user_id": [1, "x"], "event_timestamp": [at(0)] * 2})
    with pytest.raises(HistoryError, match=r"entity rows.*user_id"):
        features(one_view(tmp_path, HISTORY), frame)


def test_rows_of_another_kind_are_refused(tmp_path: Path) -> None:
    with pytest.raises(HistoryError, match=r"entity rows: expected a DataFrame, an Arrow table or SQL, found list"):
        features(one_view(tmp_path, HISTORY), [{"user_id": 1}])
