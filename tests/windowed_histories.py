"""Windowed views over an event log in a real FeatureStore, and the contract of one value, counted event by event."""

import math
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
from feast import Entity, FeatureStore, Field, PushSource, StreamFeatureView, ValueType
from feast.aggregation import Aggregation
from feast.types import Float32, Float64, Int64, String
from feast_histories import feature_store, file_source, user, view, write
from hypothesis import strategies as st

from streamrank.events.log import EventLog
from streamrank.paths import through
from streamrank.windows.source import EventSource
from streamrank.windows.spec import WindowedView, windowed_view

SECOND, MINUTE, HOUR = 1_000_000, 60_000_000, 3_600_000_000
START = 1_760_000_000_000_000
INSTANT = pa.timestamp("us", "UTC")
LOG = pa.schema([
    ("event_time", INSTANT), ("arrived_at", INSTANT), ("shard", pa.int32()), ("log_position", pa.int64()),
    ("user_id", pa.int64()), ("item_id", pa.string()), ("creator_id", pa.string()), ("topics", pa.list_(pa.string())),
    ("n", pa.int64()), ("f", pa.float64()),
])  # fmt: skip
COLUMNS = {"event_time": "TIMESTAMP WITH TIME ZONE", "shard": "INTEGER", "log_position": "BIGINT", "user_id": "BIGINT",
           "item_id": "VARCHAR", "creator_id": "VARCHAR", "topics": "VARCHAR[]", "n": "BIGINT",
           "f": "DOUBLE"}  # fmt: skip
SHORT, LONG, EVER = (10 * MINUTE, MINUTE), (HOUR, 5 * MINUTE), (None, None)
FUNCTIONS = [("n", "count"), ("n", "sum"), ("n", "mean"), ("n", "min"), ("f", "count"), ("f", "sum"), ("f", "mean"),
             ("f", "max"), ("f", "last")]  # fmt: skip
STEPS = {"f": 100}

item = Entity(name="item", join_keys=["item_id"], value_type=ValueType.STRING)
topic = Entity(name="topic", join_keys=["topic"], value_type=ValueType.STRING)
creator = Entity(name="creator", join_keys=["creator_id"], value_type=ValueType.STRING,
                 tags=through("items", "made_by"))  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """One aggregation. window_us, slide_us: None for a lifetime."""

    name: str
    column: str
    function: str
    window_us: int | None
    slide_us: int | None


def asked(prefix: str, functions: Iterable[tuple[str, str]], *windows: tuple[int | None, int | None]) -> list[Asked]:
    return [
        Asked(f"{prefix}_{column}_{function}_{(window or 0) // MINUTE}", column, function, window, slide)
        for column, function in functions
        for window, slide in windows
    ]


VIEWS = {
    "item_windows": asked("item", FUNCTIONS, SHORT, LONG, EVER),
    "topic_windows": asked("topic", [("n", "sum"), ("f", "mean")], SHORT, EVER),
    "pair_windows": asked("pair", [("n", "count"), ("n", "sum"), ("n", "max")], LONG),
}


def windowed_store(folder: Path, **options) -> FeatureStore:
    """A store with `VIEWS` over the log in `folder`/log, and the row view `items` by which creators are reached."""
    keys = {
        "item_windows": ([item], "item_id"),
        "topic_windows": ([topic], "unnest(topics) AS topic"),
        "pair_windows": ([user, creator], "user_id, creator_id"),
    }
    views = [_view(name, folder / "log", *keys[name], VIEWS[name]) for name in VIEWS]
    items = {"item_id": ["a", "a", "b"], "e": [START, START + HOUR, START], "made_by": ["x", "y", "x"],
             "stars": [1.0, 2.0, 3.0]}  # fmt: skip
    items["e"] = pa.array(items["e"], INSTANT)
    rows = view("items", file_source(write(folder / "items.parquet", items)),
                {"made_by": String, "stars": Float32}, [item])  # fmt: skip
    return feature_store(folder, [user, item, topic, creator, rows, *views], **options)


def _view(name: str, log: Path, entities: list[Entity], keys: str, features: list[Asked]) -> StreamFeatureView:
    sql = f"SELECT event_time, shard, log_position, n, f, {keys} FROM events"
    source = EventSource(name=f"{name}_events", log=str(log), sql=sql, scales={"f": 0.01}, columns=COLUMNS)
    whole = {"item_n_count_60": Int64, "item_f_last_60": Float64}
    return StreamFeatureView(
        name=name, entities=entities, source=PushSource(name=name, batch_source=source), timestamp_field="event_time",
        schema=[Field(name=each.name, dtype=whole.get(each.name, Float32)) for each in features],
        aggregations=[
            Aggregation(each.column, each.function, _delta(each.window_us), _delta(each.slide_us), each.name)
            for each in features
        ],
    )  # fmt: skip


def _delta(length_us: int | None) -> timedelta | None:
    return timedelta(microseconds=length_us) if length_us else None


def view_of(store: FeatureStore, name: str) -> WindowedView:
    return windowed_view(store.get_stream_feature_view(name))


def fill(folder: Path, events: list[dict]) -> EventLog:
    """A log with `events` alone, in two commits."""
    shutil.rmtree(folder / "log", ignore_errors=True)
    log = EventLog(folder / "log")
    half = len(events) // 2
    for version, part in enumerate((events[:half], events[half:])):
        rows = [{**event, "event_time": event["e"], "arrived_at": event["p"], "log_position": event["p"]}
                for event in part]  # fmt: skip
        log.append(pa.Table.from_pylist(rows, LOG), "test", version)
    return log


@st.composite
def histories(draw: st.DrawFn, most: int = 40) -> list[dict]:
    """Events of few keys and shards: on time, late by up to 2 hours, out of order, and from clocks that are ahead."""
    moments = st.integers(0, 2 * HOUR) | st.builds(
        lambda minute, off: minute * MINUTE - START % MINUTE + off, st.integers(0, 130), st.integers(-1, 1)
    )
    late = st.just(0) | st.integers(-SECOND, SECOND) | st.integers(0, 2 * HOUR)
    drawn = draw(st.lists(st.fixed_dictionaries({
        "e": moments, "late": late, "shard": st.sampled_from([0, 0, 3, 15]), "user_id": st.sampled_from([1, 2, None]),
        "item_id": st.sampled_from(["a", "a", "b", None]), "creator_id": st.sampled_from(["x", "y", None]),
        "topics": st.sampled_from([None, [], ["s"], ["s", "t"], ["t", "t"]]),
        "n": st.none() | st.sampled_from([-1, 1]) | st.integers(-(2**40), 2**40),
        "f": st.sampled_from([None, math.nan]) | st.integers(-10_000, 10_000).map(lambda cents: cents / 100),
    }), max_size=most))  # fmt: skip
    return list(_stamped(drawn))


def _stamped(drawn: list[dict]) -> Iterator[dict]:
    """With e, and a position p that rises by shard."""
    last: dict[int, int] = {}
    for event in sorted(drawn, key=lambda one: one["e"] + one["late"]):
        arrival, shard = START + event["e"] + event["late"], event["shard"]
        last[shard] = max(arrival, last.get(shard, 0) + 1)
        yield {**event, "e": START + event["e"], "p": last[shard]}


def edges(events: list[dict]) -> list[int]:
    """Instants at which something may change, and their neighbours."""
    found = [START, START + HOUR]
    for event in events:
        found.append(event["p"])
        for window, slide in (SHORT, LONG):
            tile = min(event["e"], event["p"]) // slide
            found += [(tile + 1) * slide, (tile + window // slide) * slide, (tile + 1 + window // slide) * slide]
    return [instant + off for instant in found for off in (-1, 0, 1)]


def keys_of(view_name: str, event: dict) -> list[tuple]:
    """The keys under which an event counts in a view, once for each time it counts."""
    if view_name == "topic_windows":
        return [(name,) for name in event["topics"] or []]
    key = (event["item_id"],) if view_name == "item_windows" else (event["user_id"], event["creator_id"])
    return [] if None in key else [key]


def counted(
    view_name: str, one: Asked, events: list[dict], key: tuple, t: int, counts: Callable[[dict], bool]
) -> float | None:
    """The value by the contract: of the events that count and whose tile lies in the window, one by one."""
    if None in key:
        return None
    kept = []
    for event in events:
        value, e = event[one.column], min(event["e"], event["p"])
        if not counts(event) or value is None or value != value:
            continue
        if one.slide_us:
            tile, now = e // one.slide_us, t // one.slide_us
            if not now - one.window_us // one.slide_us <= tile <= now:
                continue
        kept += [(e, event["p"], value)] * keys_of(view_name, event).count(key)
    return _aggregate(one, kept)


def _aggregate(one: Asked, kept: list[tuple]) -> float | None:
    steps = STEPS.get(one.column, 1)
    whole = [round(value * steps) for _, _, value in kept]
    if one.function == "count":
        return np.float32(len(kept))
    if one.function == "sum":
        return np.float32(np.float64(sum(whole)) / np.float64(steps))
    if not kept:
        return None
    if one.function == "mean":
        return np.float32(np.float64(sum(whole)) / (np.float64(len(kept)) * np.float64(steps)))
    if one.function == "last":
        return np.float32(max(kept)[2])
    return np.float32((min if one.function == "min" else max)(value for _, _, value in kept))
