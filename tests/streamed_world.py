"""A small streaming world on a real server: a bus, a log, two windowed views and one of latest acts, and a recount of
them in plain Python."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
from feast import Entity, FeatureView, Field, PushSource, StreamFeatureView, ValueType
from feast.aggregation import Aggregation
from feast.types import Array, Float32, Float64, Int64, String

from streamrank import clock
from streamrank.events.log import EventLog
from streamrank.events.redis_streams import RedisStreams, redis_bus
from streamrank.latest.appending import packing
from streamrank.latest.source import LatestSource
from streamrank.latest.spec import LatestView, latest_view
from streamrank.settings import feast_connection
from streamrank.stores.connection import Connection, ConnectionOptions, connect
from streamrank.stores.packing.keys import component, entity_keys
from streamrank.stream import generations
from streamrank.stream.worker import Worker
from streamrank.windows.finishing import applied, finish_columns
from streamrank.windows.rebuild import rebuild
from streamrank.windows.source import EventSource
from streamrank.windows.spec import WindowedView, windowed_view

MINUTE = 60_000_000
INSTANT = pa.timestamp("us", "UTC")
SCHEMA = pa.schema([
    ("event_id", pa.string()), ("event_time", INSTANT), ("user_id", pa.string()), ("item_id", pa.string()),
    ("watch_ms", pa.int64()),
])  # fmt: skip
SQL = "SELECT event_time, shard, log_position, {key}, 1 AS events, watch_ms FROM events"
WINDOW, SLIDE = 10 * MINUTE, MINUTE


def declared(name: str, key: str, minutes: int = 10) -> WindowedView:
    """Events and watch_ms by `key`, over all times and over some minutes."""
    window = {"time_window": timedelta(minutes=minutes), "slide_interval": timedelta(minutes=1)}
    features = [Aggregation("events", "count", name="events"), Aggregation("watch_ms", "sum", name="watch_ms"),
                Aggregation("events", "count", **window, name="events_10m")]  # fmt: skip
    source = EventSource(name=f"{name}_events", log="nowhere", sql=SQL.format(key=key))
    dtypes = {"events": Int64, "watch_ms": Int64, "events_10m": Float64}
    return windowed_view(
        StreamFeatureView(
            name=name, entities=[Entity(name=key, join_keys=[key], value_type=ValueType.STRING)],
            source=PushSource(name=name, batch_source=source), timestamp_field="event_time", aggregations=features,
            schema=[Field(name=feature, dtype=dtype) for feature, dtype in {key: String, **dtypes}.items()],
        )
    )  # fmt: skip


ACTS = """SELECT event_time, shard, log_position, user_id, event_id AS acts, watch_ms AS watched
FROM events WHERE item_id <> 'i0'"""
MOST = 25


def declared_acts(most: int = MOST) -> LatestView:
    """A user's last acts on other items than the first: their ids and watch_ms."""
    source = LatestSource(name="acts_events", log="nowhere", sql=ACTS, most=most)
    user = Entity(name="user", join_keys=["user_id"], value_type=ValueType.STRING)
    schema = {"user_id": String, "acts": Array(String), "watched": Array(Float32)}
    return latest_view(
        FeatureView(
            name="acts", entities=[user], source=PushSource(name="acts", batch_source=source),
            schema=[Field(name=name, dtype=dtype) for name, dtype in schema.items()],
        )
    )  # fmt: skip


@dataclass
class World:
    """address: host:port of the server. root: where the log lies."""

    address: str
    root: Path
    project: str = "streamed"
    views: tuple[WindowedView, ...] = (declared("by_item", "item_id"), declared("by_user", "user_id"))
    acts: LatestView = field(default_factory=declared_acts)

    def __post_init__(self) -> None:
        self.connection: Connection = connect(ConnectionOptions.parse(self.address))
        self.bus: RedisStreams = redis_bus(self.connection, self.project, SCHEMA)
        self.log = EventLog(self.root / "events")

    def worker(self, **options) -> Worker:
        return Worker(self.bus, self.connection, self.project, [*self.views, self.acts], self.log, **options)

    def elsewhere(self) -> "World":
        """The same log beside a server that has nothing of it."""
        return World(self.address, self.root, f"{self.project}x", self.views, self.acts)

    def rebuild(self, view: WindowedView | LatestView):
        return rebuild(self.bus, self.connection, self.project, view, self.log)

    def publish(self, events: pa.Table) -> pa.Table:
        """Those that were taken, with their positions."""
        done = self.bus.publish(events, events["user_id"].combine_chunks())
        return events.append_column("position", pa.array(done.positions)).filter(pa.array(done.taken))

    def stored(self, view: WindowedView | LatestView, keys: Iterable[str], held=None) -> pa.LargeBinaryArray:
        """The values of the generation that is read."""
        read = held or generations.read_by(self.connection, self.project, view.name, view.fingerprint)
        column = component(view.join_keys[0], view.key_types[view.join_keys[0]], pa.array(list(keys), pa.string()))
        return self.connection.fetch(entity_keys(read.prefix(self.project), [column], len(column)))

    def served(self, view: WindowedView, keys: Iterable[str], at_us: int) -> dict[str, tuple]:
        """By key: events, watch_ms and events_10m at an instant."""
        keys = list(keys)
        names = ["events", "watch_ms", "events_10m"]
        columns = finish_columns(view, self.stored(view, keys), names, at_us)
        return dict(zip(keys, zip(*(columns[name].to_pylist() for name in names), strict=True), strict=True))

    def served_acts(self, keys: Iterable[str]) -> dict[str, tuple]:
        """By key: the row's event time and position, and its lists; NaN as None."""
        keys, packed = list(keys), packing(self.acts)
        layouts = {packed.layout.id: packed.layout}
        rows = packed.unpack(self.stored(self.acts, keys), ["acts", "watched"], layouts)
        watched = [
            [None if number != number else number for number in row] for row in rows.columns["watched"].to_pylist()
        ]
        lists = zip(rows.columns["acts"].to_pylist(), watched, strict=True)
        times = zip(rows.event_us.tolist(), rows.created_us.tolist(), strict=True)
        return {key: (*time, *row) for key, time, row in zip(keys, times, lists, strict=True)}

    def applied(self, view: WindowedView, keys: Iterable[str]) -> np.ndarray:
        return applied(self.stored(view, keys))


def world_at(url: str, root: Path, **more) -> World:
    return World(feast_connection(url), root, **more)


def some_events(rows: int, seed: int, at_us: int, items: int = 7, users: int = 40, first: int = 0) -> pa.Table:
    """Events within the last 20 minutes before `at_us`, some late."""
    rng = np.random.default_rng(seed)
    return pa.table({
        "event_id": [f"{seed}-{first + number}" for number in range(rows)],
        "event_time": pa.array(at_us - rng.integers(0, 20 * MINUTE, rows), INSTANT),
        "user_id": [f"u{number}" for number in rng.integers(0, users, rows)],
        "item_id": [f"i{number}" for number in rng.integers(0, items, rows)],
        "watch_ms": pa.array(rng.integers(0, 100_000, rows), pa.int64(), mask=rng.random(rows) < 0.3),
    }, schema=SCHEMA)  # fmt: skip


def recount(events: Iterable[Mapping], key: str, at_us: int, window: int = WINDOW) -> dict[str, tuple]:
    """What `World.served` must say, event by event; events: rows with event_time in microseconds."""
    counted = defaultdict(lambda: [0, 0, 0.0])
    for event in events:
        row = counted[event[key]]
        row[0] += 1
        row[1] += event["watch_ms"] or 0
        tile, now = min(event["event_us"], event["position"]) // SLIDE, at_us // SLIDE
        row[2] += float(now - window // SLIDE <= tile <= now)
    return {name: tuple(row) for name, row in counted.items()}


def rows_of(taken: pa.Table) -> list[dict]:
    return taken.append_column("event_us", taken["event_time"].cast(pa.int64())).to_pylist()


def rows_agree(world: World, taken: pa.Table, minutes: Mapping[str, int] | None = None) -> None:
    """Every key of every view is served as the recount of the taken events says. minutes: other windows, by view."""
    at_us, rows = clock.now_us(), rows_of(taken)
    for view in world.views:
        expected = recount(rows, view.join_keys[0], at_us, (minutes or {}).get(view.name, 10) * MINUTE)
        assert world.served(view, expected, at_us) == expected
    acts_agree(world, rows)


def acts_agree(world: World, rows: Iterable[Mapping]) -> None:
    """The latest acts of every user are those of the events `rows`."""
    expected = recount_acts(rows, world.acts.most)
    assert world.served_acts(expected) == expected


def recount_acts(rows: Iterable[Mapping], most: int) -> dict[str, tuple]:
    """What `World.served_acts` must say, event by event."""
    acts = defaultdict(list)
    for event in sorted(rows, key=lambda event: event["position"]):
        if event["item_id"] != "i0":
            acts[event["user_id"]].append(event)
    return {
        user: (
            max(min(event["event_us"], event["position"]) for event in done), done[-1]["position"],
            [event["event_id"] for event in done[-most:]],
            [None if event["watch_ms"] is None else float(event["watch_ms"]) for event in done[-most:]],
        )
        for user, done in acts.items()
    }  # fmt: skip
