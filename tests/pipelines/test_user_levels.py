"""Levels of users: as of which instants, over which events, and drawn to everybody's."""

from dataclasses import replace

import duckdb
import pytest
from histories import DAY, make_data_set

from pipelines.batch_features import compute_batch_features
from pipelines.user_levels import APART_LATER, MOST, PRIOR, level_instants
from streamrank import clock
from streamrank.clock import VirtualClock
from streamrank.settings import settings

START = 19_000 * DAY
SPLIT = "2022-01-11T00:00:00+00:00"  # START and 3 days


def shown(user: str, after: int, clicked: bool, surface: str = "home") -> list[dict]:
    event = {"user_id": user, "item_id": "i", "event_time": START + after, "surface": surface}
    return [event | {"event_type": kind} for kind in ("impression", "click")[: 1 + clicked]]


def levels(events: list[dict], split: str | None = SPLIT, now: int = START + 30 * DAY) -> list[dict]:
    data = make_data_set(events)
    data.write_manifest(replace(data.manifest(), split_at=split))
    with clock.use(VirtualClock(now)):
        compute_batch_features(data)
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        file = data.features / "user_levels.parquet"
        sql = f"SELECT *, epoch_us(event_timestamp) AS instant FROM '{file}' ORDER BY instant"
        return connection.execute(sql).to_arrow_table().to_pylist()


def manifest(platform, split):
    return replace(make_data_set([]).manifest(), split_at=split)


def test_instants_are_a_day_apart_until_the_test_part_and_a_week_apart_from_it(platform):
    end = START + 3 * DAY
    found = level_instants(START, START + 20 * DAY, manifest(platform, SPLIT))
    assert found == [end - 2 * DAY, end - DAY, end, end + APART_LATER, end + 2 * APART_LATER]


def test_a_long_past_has_no_more_instants_than_a_short_one(platform):
    assert len(level_instants(START - 1_000 * DAY, START, manifest(platform, SPLIT))) <= MOST


def test_without_a_split_they_are_midnights_whenever_the_last_event_came(platform):
    found = level_instants(START + 5, START + 2 * DAY + 5, manifest(platform, None))
    assert found == [START + DAY, START + 2 * DAY, START + 3 * DAY]
    assert level_instants(START + 5, START + 9 * DAY, manifest(platform, None))[:3] == found


def test_a_level_counts_what_had_arrived_by_its_instant_and_is_drawn_to_everybodys(platform):
    events = [*shown("u", 5, True), *shown("u", DAY + 5, False), *shown("other", 6, False)]
    rows = [row for row in levels(events) if row["user_id"] == "u"]
    assert [row["instant"] for row in rows] == [START + DAY, START + 2 * DAY]
    first, second = rows
    assert (first["user_level_impressions"], second["user_level_impressions"]) == (1.0, 2.0)
    assert first["user_level_click_rate"] == pytest.approx((1 + PRIOR / 2) / (1 + PRIOR))
    assert second["user_level_click_rate"] == pytest.approx((1 + PRIOR / 3) / (2 + PRIOR))
    assert first["created"] - first["event_timestamp"] == settings().batch_delay


def test_a_level_holds_still_through_the_test_parts_first_week(platform):
    events = [*shown("u", 5, True), *shown("u", 4 * DAY, True), *shown("u", 5 * DAY, True), *shown("u", 11 * DAY, True)]
    assert [row["instant"] for row in levels(events)] == [START + DAY, START + 3 * DAY + APART_LATER]


def test_the_surplus_is_over_what_is_usual_where_it_was_shown(platform):
    everywhere = [
        event for n in range(9) for event in shown(f"o{n}", n, True, "full") + shown(f"o{n}", n, False, "bare")
    ]
    events = [*everywhere, *shown("full", 20, True, "full"), *shown("bare", 20, True, "bare")]
    found = {row["user_id"]: row for row in levels(events)}
    assert found["full"]["user_level_click_rate"] == found["bare"]["user_level_click_rate"]
    assert found["full"]["user_level_surplus"] == 0 < found["bare"]["user_level_surplus"]


def test_a_data_set_without_events_has_no_levels(platform):
    assert levels([]) == []
