"""The training set through real Feast: its shape, and that nothing of a row's outcome or of its day is in it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from histories import DAY, make_data_set
from learning_world import NOW, SPLIT, impressions, made, with_views
from platforms import environment

from catalog.dataset import DataSet
from pipelines import inputs
from pipelines.source_rows import asked, training_groups
from pipelines.training_set import KEYS, build_training_set, read_training_set, with_features
from streamrank import clock
from streamrank.clock import SECOND, VirtualClock
from streamrank.settings import settings
from validation.training_set import UnsoundTrainingSet


@contextmanager
def world(root, redis_url: str, events: list[dict]) -> Iterator[DataSet]:
    """A data set of these events, with features applied."""
    variables = {"STREAMRANK_ROOT": str(root), "STREAMRANK_DATASET": "learning", "STREAMRANK_REDIS_URL": redis_url}
    with environment(**variables), clock.use(VirtualClock(NOW)):
        yield with_views(made(events))


@pytest.fixture(scope="module")
def data(tmp_path_factory, redis_server) -> Iterator[DataSet]:
    with world(tmp_path_factory.mktemp("root"), redis_server, impressions()) as data:
        yield data


def features_of(rows: pa.Table) -> pa.Table:
    return rows.drop_columns([name for name in (*KEYS, "known_at", "warm") if name in rows.column_names])


def test_the_set_holds_keys_and_features_of_all_that_was_shown_before_the_split(data):
    steps = []
    said = build_training_set(data, steps.append)
    rows, about = read_training_set(data)
    assert about == said and rows.column_names == [*KEYS, "weight", "slot", *about.features]
    assert len(about.features) >= 21 and "item_views_60d" in about.features
    assert len(steps) == 4 and rows.num_rows == about.rows > 200
    assert np.all(np.diff(rows["qid"].to_numpy()) >= 0)
    until = datetime.fromisoformat(SPLIT).timestamp() * SECOND
    shown = [each for each in impressions() if each["event_type"] == "impression" and each["event_time"] < until]
    assert rows.num_rows == len(shown)
    assert about.last < SPLIT
    assert rows["topic_views_7d"].null_count < rows.num_rows and rows["uc_views_60d"].null_count < rows.num_rows


def test_a_group_is_asked_a_microsecond_before_its_first_impression(data):
    rows = training_groups(data)
    first = {}
    for event in impressions():
        if event["event_type"] == "impression":
            day = (event["user_id"], event["event_time"] // DAY)
            first[day] = min(first.get(day, event["event_time"]), event["event_time"])
    asked = zip(rows["user_id"].to_pylist(), rows["request_time"].to_pylist(), strict=True)
    assert all(time == first[user, (time + 1) // DAY] - 1 for user, time in asked)


def test_an_outcome_at_the_impressions_own_instant_does_not_leak(data, tmp_path, redis_server):
    shown = [event for event in impressions() if event["event_type"] == "impression"]
    planted = [shown[40] | {"event_id": f"planted-{kind}-{number}", "event_type": kind, "impression_id": None,
                            "user_id": shown[40]["user_id"]}
               for number in range(50) for kind in ("click", "view", "like")]  # fmt: skip
    rows = pa.table({
        "qid": [1, 2], "label": pa.array([1, 1], pa.int8()),
        "user_id": [shown[40]["user_id"]] * 2, "item_id": [shown[40]["item_id"]] * 2,
        "request_time": [shown[40]["event_time"] - 1, shown[40]["event_time"] + 2 * DAY], "surface": ["home"] * 2,
    })  # fmt: skip
    clean = features_of(with_features(rows)).to_pylist()
    with world(tmp_path, redis_server, [*impressions(), *planted]):
        found = features_of(with_features(rows)).to_pylist()
    assert found[0] == clean[0]
    assert found[1]["item_likes_60d"] == clean[1]["item_likes_60d"] + 50  # it is there, once it may be known


def test_a_feature_that_becomes_known_at_the_impressions_own_instant_does_not_leak(data):
    delay = settings().batch_delay // timedelta(microseconds=1)
    known = (NOW // DAY - 10) * DAY + delay  # the day before is known from here on
    rows = pa.table({
        "qid": [1, 2], "label": pa.array([1, 1], pa.int8()), "user_id": ["u0"] * 2, "item_id": ["i0"] * 2,
        "request_time": [known - 1, known], "surface": ["home"] * 2,
    })  # fmt: skip
    before, at = features_of(with_features(rows)).to_pylist()
    assert before["creator_impressions_60d"] < at["creator_impressions_60d"]


def test_no_later_event_changes_a_row(data, tmp_path, redis_server):
    """The set again, from a log that ends before its last rows are asked: features are the same, bit by bit."""
    rows = training_groups(data)
    instants = np.unique(rows["request_time"].to_numpy())
    until = int(instants[len(instants) // 2])
    early = rows.filter(pc.less_equal(rows["request_time"], until))
    expected = features_of(with_features(early))
    with world(tmp_path, redis_server, [e for e in impressions() if e["event_time"] <= until]):
        assert features_of(with_features(early)).equals(expected)


def test_a_set_that_breaks_an_expectation_is_not_written(tmp_path, redis_server):
    with world(tmp_path, redis_server, impressions()) as data:
        file = data.features / "item_daily.parquet"
        views = pq.read_table(file)
        place = views.schema.get_field_index("item_views_7d")
        pq.write_table(views.set_column(place, views.schema.field(place), pc.negate(views[place])), file)
        with pytest.raises(
            UnsoundTrainingSet, match="item_views_7d is at least 0 on column 'item_views_7d': broken by"
        ):
            build_training_set(data)
        assert not (data.training / "training_set.parquet").exists()


def test_without_a_set_the_command_to_run_is_named(platform):
    with pytest.raises(inputs.StepMissing, match="run `streamrank training-set`"):
        read_training_set(DataSet.current())


@pytest.mark.parametrize("more", [{}, {"event_type": "impression", "item_id": "i1"}])
def test_a_log_in_which_nobody_did_anything_with_an_item_is_refused_for_what_it_is(platform, more):
    seen = [{"event_type": "view", "user_id": f"u{day}", "event_time": day * DAY, **more} for day in range(1, 9)]
    data = make_data_set(seen)
    with pytest.raises(inputs.StepMissing, match=r"expected acts of users on items .*, found none to learn from"):
        asked(data)


def test_acts_none_of_which_is_positive_are_told_what_would_be(platform):
    low = [
        {"event_type": "rating", "value": 1.0, "user_id": f"u{day % 3}", "item_id": f"i{day}", "event_time": day * DAY}
        for day in range(1, 31)
    ]
    with pytest.raises(inputs.StepMissing, match=r"some are positive \(a like, a rating of 4 or more.*--rating-scale"):
        build_training_set(make_data_set(low))
