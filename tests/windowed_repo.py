"""Windowed views on the real server for tests: declared as a user does, filled by the engine's own merge."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

import duckdb
import numpy as np
import pyarrow as pa
from feast import Entity, FeatureStore, Field, PushSource, StreamFeatureView
from feast.aggregation import Aggregation
from feast.types import FeastType, Float32
from reader_repo import NOW

from streamrank.clock import SECOND
from streamrank.events.shards import NEVER, SHARDS
from streamrank.stores.packing.keys import generation_prefix, pointer_key
from streamrank.windows.deltas import deltas
from streamrank.windows.merging import merge
from streamrank.windows.source import EventSource
from streamrank.windows.spec import WindowedView, event_rows, windowed_view

MINUTE = 60 * SECOND
TEN = {"time_window": timedelta(minutes=10), "slide_interval": timedelta(minutes=1)}
HOUR = {"time_window": timedelta(hours=1), "slide_interval": timedelta(minutes=5)}
FUNCTIONS = (
    Aggregation("seen", "count", **TEN, name="views_10m"),
    Aggregation("seen", "count", **HOUR, name="views_1h"),
    Aggregation("watch", "sum", **TEN, name="watch_10m"),
    Aggregation("watch", "mean", **HOUR, name="watch_mean_1h"),
    Aggregation("watch", "min", **TEN, name="watch_min_10m"),
    Aggregation("watch", "max", **HOUR, name="watch_max_1h"),
    Aggregation("watch", "last", **HOUR, name="watch_last_1h"),
)
GAUGE = (Aggregation("step", "sum", name="viewers"),)
SQL = "SELECT event_time, shard, log_position, {keys}, 1 AS seen, watch, step FROM events"


def windowed(
    name: str, entities: Sequence[Entity], aggregations: Sequence[Aggregation] = FUNCTIONS, dtype: FeastType = Float32,
    types: Mapping[str, FeastType] | None = None, log: str = "events",
) -> StreamFeatureView:  # fmt: skip
    """A view over events with the entities' keys, `watch` and `step`. types: of the features that are no `dtype`."""
    keys = [entity.join_key for entity in entities]
    source = EventSource(name=f"{name}_events", log=log, sql=SQL.format(keys=", ".join(keys)))
    features = {each.resolved_name(each.time_window): dtype for each in aggregations} | dict(types or {})
    return StreamFeatureView(
        name=name, entities=list(entities), source=PushSource(name=name, batch_source=source),
        schema=[Field(name=feature, dtype=kind) for feature, kind in features.items()],
        aggregations=list(aggregations), timestamp_field="event_time",
    )  # fmt: skip


def events(
    ages_us: Sequence[int], watch: Sequence[int | None] | None = None, step: Sequence[int | None] | None = None,
    shards: Sequence[int] | None = None, now_us: int = NOW, **keys: Sequence,
) -> pa.Table:  # fmt: skip
    """Events of these ages before `now_us`, in the order of their positions, which are of that instant."""
    rows = len(ages_us)
    empty = pa.nulls(rows, pa.int64())
    return pa.table({
        **{name: pa.array(values) for name, values in keys.items()},
        "event_time": pa.array(now_us - np.array(ages_us, np.int64), pa.timestamp("us", "UTC")),
        "watch": empty if watch is None else pa.array(watch, pa.int64()),
        "step": empty if step is None else pa.array(step, pa.int64()),
        "shard": pa.array(shards or [0] * rows, pa.int32()),
        "log_position": pa.array(now_us + np.arange(rows), pa.int64()),
    })  # fmt: skip


def view_of(store: FeatureStore, name: str) -> WindowedView:
    return windowed_view(store.get_stream_feature_view(name))


def fill(store: FeatureStore, name: str, batch: pa.Table, number: int = 1, first: int = NEVER) -> bytes:
    """Merges events into a generation of a view; the generation."""
    view, online = view_of(store, name), store._get_provider().online_store
    with duckdb.connect() as connection:
        connection.register("events", batch)
        rows = event_rows(connection, view)
    positions, shards = (batch[column].to_numpy() for column in ("log_position", "shard"))
    lasts = {shard: int(positions[shards == shard].max()) for shard in range(SHARDS) if (shards == shard).any()}
    generation = f"{view.fingerprint}-{number}".encode()
    prefix = generation_prefix(store.project, name, generation)
    firsts = {shard: max(first, 1) for shard in lasts}
    merge(online.connection(store.config), prefix, view, deltas(view, rows, firsts, lasts), expires=False)
    return generation


def point(store: FeatureStore, name: str, generation: bytes) -> None:
    """Makes a generation the one that is read."""
    server(store).set(pointer_key(store.project, name, view_of(store, name).fingerprint), generation)


def server(store: FeatureStore):
    """A client of the store's server."""
    import redis

    host, port = store._get_provider().online_store.connection(store.config).options.nodes[0]
    return redis.Redis(host, port)


def filled(store: FeatureStore, name: str, batch: pa.Table) -> None:
    """A view whose first generation holds these events, and is read."""
    point(store, name, fill(store, name, batch))
