"""The batch features job over a real event log: which rows it writes, and when they are known."""

from datetime import UTC, datetime, timedelta

import duckdb
import pyarrow.parquet as pq
import pytest
from histories import DAY, make_data_set

from pipelines.batch_features import compute_batch_features
from streamrank import clock
from streamrank.clock import HOUR, VirtualClock

START = 19_000 * DAY
VIEWS = {
    "item_daily", "creator_daily", "topic_daily", "user_daily", "user_interests", "user_topic_daily",
    "user_creator_daily", "item_attributes", "user_attributes", "user_traits", "user_levels",
}  # fmt: skip


@pytest.fixture
def views(platform):
    """A user's view of one item on the first, second and fourth day."""
    return [
        {
            "event_type": "view", "user_id": "u1", "item_id": "i1", "creator_id": "c1", "topics": ["a", "b"],
            "event_time": START + day * DAY + 5, "value": 4.0, "watch_ms": 500, "duration_ms": 1_000,
        }
        for day in (0, 1, 3)
    ]  # fmt: skip


def compute(data, now: int) -> dict[str, int]:
    with clock.use(VirtualClock(now)):
        return compute_batch_features(data)


def table(data, view: str):
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        return connection.read_parquet(str(data.features / f"{view}.parquet")).to_arrow_table()


def test_a_row_holds_from_the_end_of_its_day_and_is_known_after_the_delay(views):
    data = make_data_set(views)
    assert compute(data, START + 10 * DAY).keys() == VIEWS
    row = table(data, "user_daily").to_pylist()[0]
    end = datetime.fromtimestamp((START + DAY) // 1_000_000, UTC)
    assert (row["event_timestamp"], row["created"]) == (end, end + timedelta(hours=1))
    assert (row["user_views_60d"], row["user_rating_60d"], row["user_watch_ratio_60d"]) == (1.0, 4.0, 0.5)


def test_a_day_is_written_when_its_delay_has_passed_and_not_before(views):
    data = make_data_set(views)
    assert compute(data, START + DAY + HOUR - 1)["user_daily"] == 0
    assert compute(data, START + DAY + HOUR)["user_daily"] == 1
    assert compute(data, START + 2 * DAY + HOUR)["user_daily"] == 2


def test_a_row_is_written_for_each_day_on_which_an_event_comes_or_leaves_a_window(views):
    data = make_data_set(views)
    compute(data, START + 100 * DAY)
    days = [
        (moment.timestamp() * 1e6 - START) / DAY - 1
        for moment in table(data, "user_daily")["event_timestamp"].to_pylist()
    ]
    assert days == [0, 1, 3, 7, 8, 10, 60, 61, 63]
    assert table(data, "user_daily")["user_views_60d"].to_pylist() == [1, 2, 3, 3, 3, 3, 2, 1, 0]
    assert table(data, "user_daily")["user_views_7d"].to_pylist() == [1, 2, 3, 2, 1, 0, 0, 0, 0]
    assert table(data, "user_interests")["user_top_topics"].to_pylist()[-1] == []


def test_two_runs_write_the_same_bytes_of_data_in_the_same_order(views):
    data = make_data_set(views)
    compute(data, START + 100 * DAY)
    first = {view: table(data, view) for view in VIEWS}
    compute(data, START + 100 * DAY)
    assert all(table(data, view).equals(first[view]) for view in VIEWS)
    keys = [(row["item_id"], row["event_timestamp"]) for row in table(data, "item_daily").to_pylist()]
    assert keys == sorted(keys)


def test_nothing_but_users_items_and_times_gives_all_views_and_no_rates(platform):
    data = make_data_set([{"event_type": "view", "user_id": "u1", "item_id": "i1", "event_time": START}])
    rows = compute(data, START + 10 * DAY)
    given = {"item_daily", "user_daily", "user_interests", "user_levels"}
    assert {view for view, count in rows.items() if count} == given
    level = table(data, "user_levels").to_pylist()[0]
    assert level["user_level_click_rate"] is level["user_level_surplus"] is level["user_level_rating"] is None
    item = table(data, "item_daily").to_pylist()[0]
    assert item["item_views_60d"] == 1
    assert item["item_click_rate_60d"] is item["item_watch_ratio_60d"] is item["item_rating_60d"] is None
    assert pq.read_schema(data.features / "user_creator_daily.parquet").names[:4] == [
        "user_id", "creator_id", "event_timestamp", "created",
    ]  # fmt: skip


def test_an_empty_log_gives_empty_files_of_every_view(platform):
    data = make_data_set([])
    assert compute(data, START) == dict.fromkeys(compute(data, START), 0)
    assert {path.stem for path in data.features.iterdir()} >= VIEWS


def test_an_event_without_a_duration_takes_its_items(views):
    bare = [{**event, "duration_ms": None} for event in views]
    data = make_data_set(bare, items=[{"item_id": "i1", "duration_ms": 2_000}])
    compute(data, START + 2 * DAY)
    assert table(data, "user_daily")["user_watch_ratio_60d"].to_pylist() == [0.25]


def test_attributes_are_known_always(views):
    known = {"item_id": "i1", "topics": ["a"], "available_from": datetime(2022, 1, 1, tzinfo=UTC), "year": 2021}
    items = [{**known, "creator_id": "c1"}, {"item_id": "i2"}]
    data = make_data_set(views, items=items, users=[{"user_id": "u1", "topics": ["b"], "age": 30}])
    compute(data, START)
    (item, bare), (user,) = table(data, "item_attributes").to_pylist(), table(data, "user_attributes").to_pylist()
    assert item["event_timestamp"] == item["created"] == datetime(1970, 1, 1, tzinfo=UTC)
    assert (item["item_topics"], item["item_year"], item["item_available_from"]) == (
        ["a"],
        2021.0,
        1_640_995_200_000_000,
    )
    assert (item["item_creator_id"], bare["item_creator_id"], bare["item_topics"]) == ("c1", None, None)
    assert (user["user_stated_topics"], user["user_age"]) == (["b"], 30.0)
