"""Features of the past and of now, through Feast and a real server: the same values, and nothing from the future."""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from feast import FeatureStore
from histories import DAY, make_data_set
from platforms import environment

from catalog.dataset import DataSet
from pipelines import feature_store, streaming
from pipelines.batch_features import compute_batch_features
from pipelines.point_in_time import historical_features
from streamrank import clock
from streamrank.clock import HOUR, SECOND, VirtualClock
from streamrank.stores.reader import OnlineReader

START = 20_000 * DAY
NOW = START + 20 * DAY + 5 * HOUR
WORDS = pa.list_(pa.string())
TOPICS = [["a", "b"], ["b"], ["c", "a"], [], None]
ITEMS = [
    {
        "item_id": f"i{number}", "creator_id": f"c{number % 3}", "topics": TOPICS[number % 5], "year": 2000 + number,
        "duration_ms": 1_000 if number % 2 else None,
        "available_from": datetime.fromtimestamp((START + number * HOUR) / SECOND, UTC) if number % 3 else None,
    }
    for number in range(12)
]  # fmt: skip
USERS = [
    {"user_id": "u0", "topics": ["a", "c"], "age": 30},
    {"user_id": "u1", "topics": [], "age": None},
    {"user_id": "u2", "topics": None, "age": 50},
]


def history() -> list[dict]:
    """Two weeks of five users with twelve items, of which one was never seen; some events arrive a day late."""
    random = np.random.default_rng(7)
    kinds = ["impression", "click", "view", "like", "follow", "rating"]
    events = []
    for _ in range(400):
        item = ITEMS[random.integers(0, 11)]
        time = START + int(random.integers(0, 14 * DAY))
        events.append(
            {
                "event_type": kinds[random.integers(0, 6)], "user_id": f"u{random.integers(0, 5)}",
                "item_id": item["item_id"], "creator_id": item["creator_id"], "topics": item["topics"],
                "event_time": time, "arrived_at": time + int(random.integers(0, 2)) * DAY,
                "watch_ms": int(random.integers(0, 1_500)), "value": float(random.integers(1, 6)),
            }
        )  # fmt: skip
    return events


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory, redis_server: str) -> Iterator[DataSet]:
    """A data set whose features are computed, applied and materialized, as of NOW."""
    root = str(tmp_path_factory.mktemp("root"))
    with (
        environment(STREAMRANK_ROOT=root, STREAMRANK_DATASET="feature-store", STREAMRANK_REDIS_URL=redis_server),
        clock.use(VirtualClock(NOW)),
    ):
        data = make_data_set(history(), ITEMS, USERS)
        compute_batch_features(data)
        feature_store.apply()
        feature_store.materialize_incremental(clock.now())
        streaming.fill_views(data)
        yield data


def asked(users: list, items: list, time: int) -> pa.Table:
    """Rows of every user with every item, asked at `time`; creators and topics follow from the items."""
    pairs = [(user, item) for user in users for item in items]
    rows = pa.table(
        {
            "user_id": pa.array([user for user, _ in pairs], pa.string()),
            "item_id": pa.array([item for _, item in pairs], pa.string()),
            "surface": pa.array([["home", "search", None][number % 3] for number in range(len(pairs))], pa.string()),
            "stated_topics": pa.array([[["a", "b"], None, []][number % 3] for number in range(len(pairs))], WORDS),
            "request_time": pa.array([time] * len(pairs), pa.int64()),
        }
    )
    return rows.append_column("event_timestamp", rows["request_time"].cast(pa.timestamp("us", "UTC")))


def online(rows: pa.Table) -> dict[str, list]:
    """The service's features from the online store, through Feast, to which every key is given."""
    store, known = feature_store.open_store(), {item["item_id"]: item for item in ITEMS}
    entities = rows.drop_columns("event_timestamp").to_pydict()
    reached = [known.get(item, {}) for item in entities["item_id"]]
    entities["creator_id"] = [item.get("creator_id") for item in reached]
    entities["topic"] = [(item.get("topics") or [None])[0] for item in reached]
    return store.get_online_features(store.get_feature_service("ranker"), entities).to_dict()


def matrix(rows: pa.Table) -> np.ndarray:
    """What the service reads: float32 [rows, features]."""
    given = {name: rows[name] for name in ("user_id", "item_id")}
    request = {name: rows[name] for name in ("request_time", "surface", "stated_topics")}
    return OnlineReader(feature_store.open_store(), "ranker").read(given, request).matrix


def windowed() -> set[str]:
    """The features of windowed views."""
    views = feature_store.open_store().list_stream_feature_views()
    return {field.name for view in views for field in view.features if field.name not in view.join_keys}


def test_online_features_are_the_historical_ones_of_now_bit_by_bit(data):
    rows = asked(["u0", "u1", "u4", "stranger"], [*(item["item_id"] for item in ITEMS), "unheard of"], NOW)
    past, present, read = historical_features(rows, "ranker"), online(rows), matrix(rows)
    features = feature_store.declared_features(feature_store.open_store(), "ranker")
    assert len(features) >= 21
    assert read.shape == (rows.num_rows, len(features))
    for place, feature in enumerate(features):
        assert feature.type == pa.float32()
        assert np.array_equal(np.asarray(past[feature.name].fill_null(np.nan)), read[:, place], equal_nan=True)
        assert past[feature.name].to_pylist() == present[feature.name], feature.name
        short = feature.name in ("item_mean_watch_ms_1h", "item_mean_watch_ms_24h") or "_share_24h" in feature.name
        short |= feature.name.startswith("user_trait_")  # as many as users files may have
        assert past[feature.name].null_count < rows.num_rows or short, f"{feature.name} is never there"


def test_what_is_missing_stays_missing(data):
    (row,) = historical_features(asked(["stranger"], ["unheard of"], NOW), "ranker").to_pylist()
    counted = windowed()
    given = {name for name, value in row.items() if value is not None and name not in counted}
    nothing = {row[name] for name in counted if name in row}
    assert nothing == {None, 0.0}, "nothing counted is 0, and a mean of nothing is missing"
    assert given == {
        "user_id",
        "item_id",
        "request_time",
        "event_timestamp",
        "surface",
        "stated_topics",
        "hour",
        "weekday",
        "surface_code",
        *(f"item_click_rate_{window}" for window in ("10m", "1h", "24h")),
        "item_long_session_rate_1h",
        "item_views_slope",
    }


def test_rows_come_back_in_the_order_given_and_with_repeats(data):
    rows = asked(["u3", "u0"], [item["item_id"] for item in ITEMS], NOW)
    shuffled = rows.take(np.random.default_rng(1).integers(0, rows.num_rows, 60))
    whole = historical_features(shuffled, "ranker")
    assert whole.select(shuffled.column_names).equals(shuffled)
    once = {(row["user_id"], row["item_id"], row["surface"]): row for row in whole.to_pylist()}
    assert all(once[row["user_id"], row["item_id"], row["surface"]] == row for row in whole.to_pylist())


def test_the_values_are_those_of_feast_s_own_store(data):
    moments = [START + lead for lead in (0, 3 * DAY, 3 * DAY + HOUR, 9 * DAY + 30 * SECOND, 20 * DAY + 2 * HOUR)]
    users, items = ["u0", "u1", "u2", "stranger"], [*(item["item_id"] for item in ITEMS), "unheard of"]
    rows = pa.concat_tables([asked(users, items, moment) for moment in moments])
    config = feature_store.open_store().config.model_copy(deep=True)
    config.offline_config = {"type": "duckdb"}
    config._offline_store = None
    stock = FeatureStore(config=config)
    assert type(stock.config.offline_store).__name__ == "DuckDBOfflineStoreConfig"
    known = {item["item_id"]: item for item in ITEMS}
    frame = rows.append_column("place", pa.array(range(rows.num_rows))).to_pandas()
    frame["creator_id"] = [known.get(item, {}).get("creator_id") for item in frame["item_id"]]
    frame["topic"] = [(known.get(item, {}).get("topics") or [None])[0] for item in frame["item_id"]]
    views = stock.get_feature_service("ranker").feature_view_projections
    without = {*windowed(), *(field.name for view in views if view.name == "derived_live" for field in view.features)}
    references = [f"{view.name}:{field.name}" for view in views for field in view.features if field.name not in without]
    plain = stock.get_historical_features(frame, references, filter_by_created_timestamp=True).to_arrow()
    features = pa.schema(
        [field for field in feature_store.declared_features(stock, "ranker") if field.name not in without]
    )
    found = historical_features(rows, "ranker")
    assert found.select(features.names).equals(plain.sort_by("place").select(features.names).cast(features))
    assert found["item_views_60d"].null_count not in (0, rows.num_rows)


def test_no_rows_give_no_rows_with_all_columns(data):
    none = historical_features(asked([], [], NOW), "ranker")
    assert none.num_rows == 0
    assert "item_views_60d" in none.column_names


def test_a_row_is_invisible_until_it_was_created(data):
    """The day that ends at midnight is known an hour later; until then a request sees the day before."""
    midnight = START + 10 * DAY
    before, at = (
        historical_features(asked(["u0"], ["i1"], time), "ranker")["user_impressions_60d"].to_pylist()
        for time in (midnight + HOUR - 1, midnight + HOUR)
    )
    day_before = historical_features(asked(["u0"], ["i1"], midnight), "ranker")
    assert before == day_before["user_impressions_60d"].to_pylist()
    shown = [e for e in history() if e["user_id"] == "u0" and e["event_type"] == "impression"]
    known = [len([e for e in shown if e["arrived_at"] < end]) for end in (midnight - DAY, midnight)]
    assert [before, at] == [[known[0]], [known[1]]]
    assert known[0] < known[1]


@pytest.mark.parametrize("lead", [0, 1])
def test_an_outcome_at_the_impressions_own_instant_does_not_leak(redis_server, tmp_path: Path, lead):
    """A like at the very instant of an impression changes nothing for rows asked at it or a microsecond before."""
    instant = START + 9 * DAY + 7 * HOUR
    shown = {"event_type": "impression", "user_id": "u0", "item_id": "i1", "creator_id": "c1", "topics": ["b"]}
    outcome = {**shown, "event_type": "like"}
    without = [*history(), {**shown, "event_time": instant}]
    seen = []
    for name, events in (("without", without), ("with", [*without, {**outcome, "event_time": instant}])):
        place = environment(STREAMRANK_ROOT=str(tmp_path), STREAMRANK_DATASET=name, STREAMRANK_REDIS_URL=redis_server)
        with place, clock.use(VirtualClock(NOW)):
            compute_batch_features(make_data_set(events, ITEMS, USERS))
            feature_store.apply()
            seen.append(historical_features(asked(["u0"], ["i1"], instant - lead), "ranker"))
            later = historical_features(asked(["u0"], ["i1"], instant + DAY), "ranker")
            seen.append(later["item_likes_60d"].to_pylist())
    assert seen[0].equals(seen[2])
    assert seen[1] != seen[3], "the planted outcome is there the day after"


def test_materializing_anew_replaces_corrected_rows_of_the_same_time(data):
    features = data.features / "user_daily.parquet"
    table = pq.read_table(features)
    raised = table.set_column(
        table.schema.get_field_index("user_active_days_60d"), table.schema.field("user_active_days_60d"),
        pa.array(np.full(table.num_rows, 41, np.float32)),
    )  # fmt: skip
    rows = asked(["u0"], ["i1"], NOW)
    before = online(rows)["user_active_days_60d"]
    try:
        pq.write_table(raised, features)
        feature_store.materialize(feature_store.EPOCH, clock.now())
        assert online(rows)["user_active_days_60d"] == [41.0]
    finally:
        pq.write_table(table, features)
        feature_store.materialize(feature_store.EPOCH, clock.now())
    assert online(rows)["user_active_days_60d"] == before


def test_the_next_incremental_run_brings_the_day_that_was_not_known_at_the_last(redis_server, tmp_path: Path):
    """A run between midnight and the delay must not step over the rows of that midnight, known only later."""
    place = environment(STREAMRANK_ROOT=str(tmp_path), STREAMRANK_DATASET="nightly", STREAMRANK_REDIS_URL=redis_server)
    midnight = START + 10 * DAY
    with place:
        data = make_data_set(history(), ITEMS, USERS)
        found = []
        for now in (midnight + HOUR // 2, midnight + HOUR):
            with clock.use(VirtualClock(now)):
                compute_batch_features(data)
                feature_store.apply()
                feature_store.materialize_incremental(clock.now())
                rows = asked(["u0", "u1"], ["i1"], now)
                found.append(online(rows)["user_impressions_60d"])
                past = historical_features(rows, "ranker")["user_impressions_60d"].to_pylist()
                assert found[-1] == past
    assert found[0] != found[1]


def test_a_step_that_was_left_out_is_named(platform):
    with pytest.raises(feature_store.FeaturesMissing, match="run `streamrank features`"):
        feature_store.apply()
    with pytest.raises(feature_store.FeaturesMissing, match="no feature registry: run `streamrank apply`"):
        historical_features(asked([], [], NOW), "ranker")


def test_a_module_of_the_caller_s_with_the_name_of_a_definition_is_left_alone(data):
    sys.modules["sources"] = own = ModuleType("sources")
    try:
        assert "item_daily" in feature_store.apply()
        assert sys.modules["sources"] is own
    finally:
        del sys.modules["sources"]


def test_an_unknown_service_is_named(data):
    with pytest.raises(feature_store.FeaturesMissing, match="'rankers' is not registered"):
        historical_features(asked([], [], NOW), "rankers")
