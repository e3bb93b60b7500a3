"""What a ranker is tested on, with impressions and without."""

from dataclasses import replace
from datetime import datetime

import pyarrow.compute as pc
import pytest
from histories import DAY, make_data_set
from learning_world import NOW, SPLIT, impressions, made

from pipelines import evaluation_rows as module
from pipelines.evaluation_rows import evaluation_rows
from pipelines.inputs import StepMissing
from streamrank import clock
from streamrank.clock import HOUR, SECOND, VirtualClock, microseconds

START = 20_000 * DAY


@pytest.fixture(autouse=True)
def present(platform):
    with clock.use(VirtualClock(NOW)):
        yield


def rated(user: str, *acts: tuple[int, str, float]) -> list[dict]:
    """Ratings of a user: (microseconds after START, item, value)."""
    return [
        {"event_type": "view", "user_id": user, "item_id": item, "event_time": START + time, "value": value}
        for time, item, value in acts
    ]


def catalogue_rows(events: list[dict], items: int = 12):
    data = make_data_set(
        [event | {"event_id": f"e{number}"} for number, event in enumerate(events)],
        [{"item_id": f"i{number}"} for number in range(items)],
    )
    return evaluation_rows(data)


def returning(user: str = "u", back: float = 5.0) -> list[dict]:
    """Four ratings on a day and one, the last fifth, days later."""
    return rated(user, *[(time, f"i{time}", 5.0) for time in range(4)], (3 * DAY + HOUR, "i9", back))


def test_a_request_ranks_all_that_the_user_had_not_rated_a_microsecond_before_the_first_act_of_the_day():
    found = catalogue_rows(returning()).rows.to_pylist()
    assert {row["item_id"] for row in found} == {f"i{number}" for number in (4, 5, 6, 7, 8, 9, 10, 11)}
    assert {row["request_time"] for row in found} == {START + 3 * DAY + HOUR - 1}
    assert [row["item_id"] for row in found if row["label"]] == ["i9"]
    assert all(row["known_at"] > row["request_time"] for row in found)


def test_where_times_are_an_order_all_of_a_users_test_part_is_one_request_whatever_its_steps():
    steps = [(step * 100_000 * SECOND, f"i{step}", 5.0) for step in range(10)]
    data = make_data_set(
        [event | {"event_id": f"e{number}"} for number, event in enumerate(rated("u", *steps))],
        [{"item_id": f"i{number}"} for number in range(12)],
    )
    data.write_manifest(replace(data.manifest(), times="order"))
    found = evaluation_rows(data)
    assert found.requests == {"warm": 1, "cold": 0}
    rows = found.rows.to_pylist()
    assert {row["request_time"] for row in rows} == {START + 800_000 * SECOND - 1}
    assert {row["item_id"] for row in rows if row["label"]} == {"i8", "i9"}
    assert {row["item_id"] for row in rows} == {"i8", "i9", "i10", "i11"}


def test_a_day_without_a_positive_is_no_request():
    found = catalogue_rows([*returning(back=2.0), *returning("v")])
    assert found.rows["user_id"].unique().to_pylist() == ["v"] and found.requests == {"warm": 1, "cold": 0}


def test_requests_of_users_without_an_earlier_day_are_told_apart_and_sampled(monkeypatch):
    monkeypatch.setattr(module, "MAX_COLD", 2)
    newcomers = [event for n in range(5) for event in rated(f"n{n}", *[(time, f"i{time}", 5.0) for time in range(5)])]
    found = catalogue_rows([*returning(), *newcomers])
    assert found.requests == {"warm": 1, "cold": 5} and not found.shown
    assert len(found.rows.filter(pc.invert(found.rows["warm"]))["qid"].unique()) == 2
    assert found.rows.filter(found.rows["warm"])["user_id"].unique().to_pylist() == ["u"]


def test_there_are_at_most_so_many_rows_warm_requests_first(monkeypatch):
    monkeypatch.setattr(module, "MAX_ROWS", 30)
    newcomers = [event for n in range(5) for event in rated(f"n{n}", *[(time, f"i{time}", 5.0) for time in range(5)])]
    found = catalogue_rows([*newcomers, *returning(), *returning("v")])
    assert found.rows.num_rows <= 30 and found.rows["warm"].unique().to_pylist() == [True]


def test_where_impressions_are_logged_all_of_the_test_part_are_rows():
    found = evaluation_rows(made(impressions()))
    instant = microseconds(datetime.fromisoformat(SPLIT))
    shown = [event for event in impressions() if event["event_type"] == "impression"]
    after = [event for event in shown if event["event_time"] >= instant]
    assert found.shown and found.rows.num_rows == len(after)
    days = {(event["user_id"], event["event_time"] // DAY) for event in after}
    assert sum(found.requests.values()) == len(days)


def test_a_log_that_cannot_be_split_is_refused():
    data = made(impressions())
    data.write_manifest(replace(data.manifest(), split_at="1999-01-01T00:00:00+00:00"))
    with pytest.raises(StepMissing, match="cannot be split in time: expected rows before and after, found 0 to learn"):
        evaluation_rows(data)
