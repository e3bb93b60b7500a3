"""Windowed views for tests, the events they count, and a store of their tiles on a real server."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import duckdb
import pyarrow as pa
from feast import Entity, Field, PushSource, ValueType
from feast.aggregation import Aggregation
from feast.stream_feature_view import StreamFeatureView
from feast.types import FeastType, Float32, from_value_type
from windows_reference import Event, Wanted

from streamrank.stores.connection import Connection, ConnectionOptions, connect
from streamrank.windows.deltas import deltas
from streamrank.windows.merging import Merged, merge
from streamrank.windows.source import EventSource
from streamrank.windows.spec import WindowedView, event_rows, windowed_view

SECOND = 1_000_000
ITEM = Entity(name="item", join_keys=["item_id"], value_type=ValueType.STRING)
DUCKDB = duckdb.connect(config={"threads": 1})
STAMPS = "event_time, shard, log_position"


def aggregation(wanted: Wanted) -> Aggregation:
    window, slide = ((us and timedelta(microseconds=us)) for us in (wanted.window_us, wanted.slide_us))
    return Aggregation(wanted.column, wanted.function, window, slide, wanted.name)


def stream_view(
    aggregations: Sequence[Aggregation], columns: str, name: str = "live", entities: Sequence[Entity] = (ITEM,),
    types: Mapping[str, FeastType] | None = None, log: str = "/nowhere", scales: Mapping[str, float] | None = None,
    schema: Sequence[Field] | None = None, sql: str | None = None, known: Mapping[str, str] | None = None,
) -> StreamFeatureView:  # fmt: skip
    """A view over `SELECT <stamps>, <keys>, <columns> FROM events`; features are Float32 unless `types` says other."""
    keys = {entity.join_key: from_value_type(entity.value_type) for entity in entities}
    text = sql or f"SELECT {STAMPS}, {', '.join(keys)}, {columns} FROM events"
    source = EventSource(name=f"{name}_events", log=log, sql=text, scales=scales, columns=known)
    names = [each.resolved_name(each.time_window) for each in aggregations]
    fields = [Field(name=each, dtype=(types or {}).get(each, Float32)) for each in names] if schema is None else schema
    return StreamFeatureView(
        name=name, entities=list(entities), source=PushSource(name=name, batch_source=source),
        timestamp_field="event_time", schema=[*(Field(name=key, dtype=dtype) for key, dtype in keys.items()), *fields],
        aggregations=list(aggregations),
    )  # fmt: skip


def table(events: Iterable[Event], columns: Mapping[str, pa.DataType]) -> pa.Table:
    """Events as the bus gives them, keyed by item_id."""
    events = list(events)
    return pa.table({
        "event_time": pa.array([event.time_us for event in events], pa.timestamp("us", "UTC")),
        "shard": pa.array([event.shard for event in events], pa.int32()),
        "log_position": pa.array([event.position for event in events], pa.int64()),
        "item_id": pa.array([event.key for event in events], pa.string()),
        **{name: pa.array([event.values.get(name) for event in events], dtype) for name, dtype in columns.items()},
    })  # fmt: skip


@dataclass(frozen=True)
class Tiles:
    """The tiles of one view below one prefix."""

    connection: Connection
    view: WindowedView
    columns: Mapping[str, pa.DataType]
    prefix: bytes

    def merge(
        self, events: Iterable[Event], firsts: Mapping[int, int], lasts: Mapping[int, int], expires: bool = False
    ) -> Merged:
        """A batch of events of the shards whose ranges are given."""
        DUCKDB.register("events", table(events, self.columns))
        rows = event_rows(DUCKDB, self.view)
        return merge(self.connection, self.prefix, self.view, deltas(self.view, rows, firsts, lasts), expires)

    def key(self, item: str) -> bytes:
        """Where an item's value is stored."""
        return self.prefix + b"s" + len(item.encode()).to_bytes(4, "little") + item.encode()

    def values(self, keys: Sequence[str]) -> pa.LargeBinaryArray:
        """What is stored of each item."""
        return self.connection.fetch(pa.array([self.key(key) for key in keys], pa.large_binary()))


def connected(url: str) -> Connection:
    """A connection to the server at redis://host:port/db."""
    host, port = url.removeprefix("redis://").split("/")[0].split(":")
    return connect(ConnectionOptions.parse(f"{host}:{port}", "redis", "unused"))


__all__ = ["ITEM", "SECOND", "Tiles", "aggregation", "connected", "stream_view", "table", "windowed_view"]
