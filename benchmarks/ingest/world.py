"""Events of viewers on live items, the same for every side, and the windowed views that count them."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
from feast import Entity, Field, PushSource, StreamFeatureView, ValueType
from feast.aggregation import Aggregation
from feast.types import Float32, String

from streamrank import clock
from streamrank.events.redis_streams import RedisStreams, redis_bus
from streamrank.stores.connection import ConnectionOptions, connect
from streamrank.windows.source import EventSource
from streamrank.windows.spec import WindowedView, windowed_view

PROJECT = "bench"
INSTANT = pa.timestamp("us", "UTC")
SCHEMA = pa.schema([
    ("event_id", pa.string()), ("event_time", INSTANT), ("event_type", pa.string()), ("user_id", pa.string()),
    ("item_id", pa.string()), ("topics", pa.list_(pa.string())), ("watch_ms", pa.int64()),
])  # fmt: skip
TYPES, SHARES = ["impression", "view", "like", "share"], [0.6, 0.3, 0.08, 0.02]
WINDOWS = {"10m": (timedelta(minutes=10), timedelta(minutes=1)), "1h": (timedelta(hours=1), timedelta(minutes=5)),
           "24h": (timedelta(hours=24), timedelta(hours=1))}  # fmt: skip
COLUMNS = {
    "acts": "1",
    "views": "CASE WHEN event_type = 'view' THEN 1 END",
    "likes": "CASE WHEN event_type = 'like' THEN 1 END",
    "watch_ms": "watch_ms",
}
KEYS = {"item_id": "item_id", "user_id": "user_id", "topic": "topics[1]"}
VIEWS = {
    "item": ("item_id",),
    "user": ("user_id",),
    "user_topic": ("topic", "user_id"),
}
LATE_SHARE, LATE_SECONDS = 0.05, 7_200


def views(names: list[str]) -> list[WindowedView]:
    return [_view(name, VIEWS[name]) for name in names]


def _view(name: str, keys: tuple[str, ...]) -> WindowedView:
    """Four columns over three windows: 12 features."""
    read = ", ".join(f"{sql} AS {column}" for column, sql in {**{key: KEYS[key] for key in keys}, **COLUMNS}.items())
    sql = f"SELECT event_time, shard, log_position, {read} FROM events"
    features = [
        Aggregation(column, "sum" if column == "watch_ms" else "count", *window, f"{name}_{column}_{suffix}")
        for column in COLUMNS
        for suffix, window in WINDOWS.items()
    ]
    source = EventSource(name=f"{name}_events", log="nowhere", sql=sql)
    return windowed_view(
        StreamFeatureView(
            name=name, entities=[Entity(name=key, join_keys=[key], value_type=ValueType.STRING) for key in keys],
            source=PushSource(name=name, batch_source=source), timestamp_field="event_time", aggregations=features,
            schema=[Field(name=key, dtype=String) for key in keys]
            + [Field(name=each.resolved_name(each.time_window), dtype=Float32) for each in features],
        )
    )  # fmt: skip


def bus_at(port: int) -> RedisStreams:
    return redis_bus(connect(ConnectionOptions.parse(f"127.0.0.1:{port}")), PROJECT, SCHEMA, limit_bytes=8 << 30)


def parts(events: int, items: int, users: int, rows: int = 50_000) -> Iterator[pa.Table]:
    """All events, in tables of `rows`; few items have most of them, and some come late."""
    rng, now = np.random.default_rng(4), clock.now_us()
    popular = 1 / np.arange(1, items + 1) ** 0.8
    popular = np.cumsum(popular / popular.sum())
    topics = pa.array([[f"t{topic}", "all"] for topic in range(20)], SCHEMA.field("topics").type)
    for first in range(0, events, rows):
        count = min(rows, events - first)
        item = np.minimum(np.searchsorted(popular, rng.random(count)), items - 1)
        kind = rng.choice(len(TYPES), count, p=SHARES)
        late = np.where(rng.random(count) < LATE_SHARE, rng.integers(0, LATE_SECONDS, count), 0)
        yield pa.table({
            "event_id": pa.array(np.arange(first, first + count)).cast(pa.string()),
            "event_time": pa.array(now - late * clock.SECOND, INSTANT),
            "event_type": pa.array(TYPES).take(pa.array(kind)),
            "user_id": pa.array(rng.integers(0, users, count)).cast(pa.string()),
            "item_id": pa.array(item).cast(pa.string()),
            "topics": topics.take(pa.array(item % 20)),
            "watch_ms": pa.array(rng.integers(0, 60_000, count), pa.int64(), mask=kind != 1),
        }, schema=SCHEMA)  # fmt: skip


def log_folder(folder: str | Path) -> Path:
    return Path(folder) / "log"
