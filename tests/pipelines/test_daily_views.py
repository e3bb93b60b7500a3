"""Every daily feature against a plain count over the history, event by event, written without the SQL in mind."""

from pathlib import Path

import duckdb
import numpy as np
import pytest
from histories import DAY, write_events
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.batch_events import create_batch_events
from pipelines.daily_views import VIEWS, create_everything, feature_rows
from pipelines.interests import interests

KEYS = {
    "item": ("item_id",),
    "creator": ("creator_id",),
    "topic": ("topic",),
    "user": ("user_id",),
    "ut": ("user_id", "topic"),
    "uc": ("user_id", "creator_id"),
}


@st.composite
def histories(draw) -> list[dict]:
    """Events around the edges of the windows: late ones, repeated ones, some without topics, creator or user."""
    event = st.fixed_dictionaries(
        {
            "event_type": st.sampled_from(
                ["impression", "click", "view", "like", "follow", "rating", "share", "notify"]
            ),
            "user_id": st.sampled_from(["u1", "u2", None]),
            "item_id": st.sampled_from(["i1", "i2", None]),
            "creator_id": st.sampled_from(["c1", None]),
            "topics": st.sampled_from([None, [], ["a"], ["b", "a"], ["a", "a"]]),
            "happened": st.sampled_from([-1, 0, 1, 2, 6, 7, 8, 59, 60, 61]),
            "late": st.sampled_from([0, 0, 0, -1, 1, 6, 7, 59, 60, 61]),
            "instant": st.sampled_from([0, 1, DAY - 1]),
            "watch_ms": st.sampled_from([None, 0, 333, 5_000]),
            "duration_ms": st.sampled_from([None, 0, 1_000]),
            "value": st.sampled_from([None, 3.5, 4.0, 5.0, float("nan")]),
        }
    )
    drawn = draw(st.lists(event, max_size=14))
    return [_timed(event) for event in drawn + drawn[: draw(st.integers(0, 3))]]


def _timed(event: dict) -> dict:
    happened, late, instant = event["happened"], event["late"], event["instant"]
    rest = {name: value for name, value in event.items() if name not in ("happened", "late", "instant")}
    return {**rest, "event_time": happened * DAY + instant, "arrived_at": (happened + late) * DAY + instant}


def counted(events: list[dict], feature: str, day: int, everything: list[dict]) -> float | None:
    """The feature from the events of its key, as of the end of `day`."""
    _, name = feature.split("_", 1)
    name, window = name.rsplit("_", 1)
    inside = [event for event in events if _inside(event, day, int(window[:-1]))]
    if name == "click_rate":
        background = [event for event in everything if _inside(event, day, int(window[:-1]))]
        shown = _count(background, "impression")
        prior = 20 * (_count(background, "click") / shown) if shown else None
        return None if prior is None else (_count(inside, "click") + prior) / (_count(inside, "impression") + 20)
    if name == "watch_ratio":
        watched = [
            min(event["watch_ms"], event["duration_ms"]) * 1_000_000 // event["duration_ms"]
            for event in inside
            if event["event_type"] == "view" and event["watch_ms"] is not None and event["duration_ms"]
        ]
        return sum(watched) / (len(watched) * 1_000_000) if watched else None
    if name == "rating":
        ratings = [event["value"] for event in inside if _rates(event)]
        return sum(ratings) / len(ratings) if ratings else None
    if name == "active_days":
        return len({_happened(event) for event in inside if event["event_type"] != "notify"})
    if name == "likes":
        return len([e for e in inside if e["event_type"] == "like" or (_rates(e) and e["value"] >= 4)])
    return _count(inside, name.removesuffix("s"))


def _inside(event: dict, day: int, window: int) -> bool:
    return event["arrived_at"] // DAY <= day and day - _happened(event) < window


def _happened(event: dict) -> int:
    return min(event["event_time"], event["arrived_at"]) // DAY


def _rates(event: dict) -> bool:
    value = event["value"]
    return event["event_type"] in ("view", "rating") and value is not None and not np.isnan(value)


def _count(events: list[dict], event_type: str) -> int:
    return len([event for event in events if event["event_type"] == event_type])


def _key(event: dict, names: tuple[str, ...]) -> tuple:
    topic = event["topics"][0] if event["topics"] else None
    return tuple({**event, "topic": topic}[name] for name in names)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("histories")


def computed(folder: Path, events: list[dict], last_day: int):
    connection = duckdb.connect(config={"threads": 1})
    create_batch_events(connection, [str(write_events(folder / "events.parquet", events))], folder / "none", last_day)
    create_everything(connection, last_day)
    return connection


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(histories(), st.sampled_from([5, 68, 125]))
def test_each_feature_of_each_day_is_a_plain_count_over_the_history(folder, events, last_day):
    connection = computed(folder, events, last_day)
    for view in VIEWS:
        found = connection.sql(feature_rows(view, last_day)).to_arrow_table().to_pylist()
        names = tuple(view.windows.keys)
        assert KEYS[next(iter(view.features)).split("_")[0]] == names
        by_key: dict[tuple, dict[int, dict]] = {}
        for row in found:
            days = by_key.setdefault(tuple(row[name] for name in names), {})
            assert row["day"] not in days, "one row a key and day"
            days[row["day"]] = row
        for key in {_key(event, names) for event in events} | set(by_key):
            own = [event for event in events if _key(event, names) == key]
            _check_key(view.features, by_key.get(key, {}), [] if None in key else own, events, last_day)


def _check_key(features, rows: dict[int, dict], own: list[dict], everything: list[dict], last_day: int) -> None:
    latest = dict.fromkeys(features)
    for day in range(-3, last_day + 1):
        if day in rows:
            latest = rows[day]
        for feature in features:
            if "click_rate" in feature and day not in rows:
                continue  # as of the key's last change, while the rate of all events goes on
            expected = counted(own, feature, day, everything)
            found = latest[feature]
            if found is None and expected == 0 and latest.get("day") is None:
                continue  # nothing has been counted for this key yet
            assert _single(found) == _single(expected), (feature, day)


def _single(value: float | None) -> np.float32 | None:
    return None if value is None else np.float32(value)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(histories(), st.sampled_from([5, 68, 125]))
def test_interests_are_the_most_viewed_topics_of_the_last_60_days(folder, events, last_day):
    connection = computed(folder, events, last_day)
    rows = connection.sql(interests("batch_events", last_day)).to_arrow_table().to_pylist()
    for user in ("u1", "u2"):
        own = {row["day"]: row for row in rows if row["user_id"] == user}
        latest = {"user_top_topics": [], "user_top_topic_shares": []}
        for day in range(-3, last_day + 1):
            latest = own.get(day, latest)
            views = [e for e in events if e["user_id"] == user and e["event_type"] == "view" and _inside(e, day, 60)]
            seen = [topic for event in views for topic in set(event["topics"] or [])]
            top = sorted(set(seen), key=lambda topic: (-seen.count(topic), topic))
            assert latest["user_top_topics"] == top
            shares = [np.float32(seen.count(topic) / len(views)) for topic in top]
            assert [np.float32(share) for share in latest["user_top_topic_shares"]] == shares
    assert len(rows) == len({(row["user_id"], row["day"]) for row in rows})


def test_a_day_is_active_from_the_first_of_its_events_that_count(folder):
    """A notification is not the user's doing: the day counts when the view of that day arrives, late."""
    plain = {"user_id": "u1", "event_time": 0}
    events = [{"event_type": "notify", **plain}, {"event_type": "view", "arrived_at": 3 * DAY, **plain}]
    (view,) = (view for view in VIEWS if view.name == "user_daily")
    rows = computed(folder, events, 70).sql(feature_rows(view, 70)).to_arrow_table()
    assert dict(zip(rows["day"].to_pylist(), rows["user_active_days_60d"].to_pylist(), strict=True)) == {
        3: 1,
        60: 0,
        7: 1,
    }
