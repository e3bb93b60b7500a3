"""Filling the server: the Feast sides materialize the same files under both definitions, the limit writes raw bytes."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import redis

from benchmarks.online import world
from streamrank import clock

HEADER = np.dtype("<i8")


def feast(side: str, folder: str, port: int) -> dict:
    """Applies the views and materializes them through `FeatureStore`; stock also precomputes what it can."""
    from benchmarks.stores import feature_store

    place = Path(folder)
    store, present = feature_store(side, place, port), _moment(world.present_us(place))
    turn = present - timedelta(microseconds=world.TURN_US)
    store.apply(definitions(place, older=True))
    store.materialize(present - timedelta(days=60), turn, feature_views=["items"])
    store.apply(definitions(place, older=False))
    store.materialize(turn, present, feature_views=["items"])
    others = [view.name for view in (world.PLAIN, *world.REQUEST) if view.name != "items"]
    store.materialize(present - timedelta(days=60), present, feature_views=others)
    store.apply(services(store, precomputed=False))
    return {"precomputed": _precompute(store) if side == "stock" else 0}


def raw(folder: str, port: int) -> dict:
    """Writes every row as its event time and float32 values, NaN for missing: what the bare reads fetch."""
    client, written = redis.Redis(port=port), 0
    for view in (world.PLAIN, *world.REQUEST):
        rows = world.rows(Path(folder), view)
        keys, values = raw_keys(view, [rows[name].to_pylist() for name in view.keys]), _raw_values(rows, view)
        for begin in range(0, len(keys), 10_000):
            part = slice(begin, begin + 10_000)
            client.mset(dict(zip(keys[part], values[part], strict=True)))
        written += len(keys)
    return {"written": written}


def raw_keys(view: world.View, components: list[list[int]]) -> list[bytes]:
    """`raw:view:key[:key]` for each row; components: one list a join key."""
    return [":".join(("raw", view.name, *map(str, row))).encode() for row in zip(*components, strict=True)]


def definitions(folder: Path, older: bool) -> list:
    """Feast's objects; older: the item view as it was before, without its last features and in reverse order."""
    from feast import Entity, FeatureView, Field, FileSource, ValueType
    from feast.types import Float32

    entities = {
        n: Entity(name=n, join_keys=[n], value_type=ValueType.INT64) for n in ("item_id", "creator_id", "user_id")
    }
    views = []
    for view in (world.PLAIN, *world.REQUEST):
        names = view.features[: view.count - view.since][::-1] if older and view.since else view.features
        source = FileSource(
            path=str(folder / f"{view.name}.parquet"),
            timestamp_field="event_timestamp",
            created_timestamp_column="created",
        )
        schema = [Field(name=name, dtype=Float32) for name in names]
        views.append(FeatureView(
            name=view.name, entities=[entities[name] for name in view.keys], ttl=timedelta(days=view.ttl_days),
            schema=schema, source=source,
        ))  # fmt: skip
    return [*entities.values(), *views]


def services(store, precomputed: bool) -> list:
    """A feature service for each question; precomputed: one a view, since Feast precomputes for one entity key only."""
    from feast import FeatureService

    if precomputed:
        asked = {f"precomputed_{view.name}": (view,) for view in (world.PLAIN, *world.REQUEST)}
    else:
        asked = world.QUESTIONS
    return [
        FeatureService(
            name=name, features=[store.get_feature_view(v.name) for v in views], precompute_online=precomputed
        )
        for name, views in asked.items()
    ]


def _precompute(store) -> int:
    wanted = services(store, precomputed=True)
    store.apply(wanted)
    return sum(store.precompute_feature_service(service.name) for service in wanted)


def _raw_values(rows, view: world.View) -> list[bytes]:
    matrix = np.stack([pc.fill_null(rows[name], float("nan")).to_numpy() for name in view.features], axis=1)
    written_before = pc.not_equal(rows["kind"], "new").to_numpy()
    if view.since:
        matrix[written_before, -view.since :] = np.nan
    row = np.dtype([("event", HEADER), ("values", "<f4", view.count)])
    packed = np.zeros(len(matrix), row)
    packed["event"], packed["values"] = rows["event_timestamp"].cast("int64").to_numpy(), matrix
    return [value.tobytes() for value in packed]


def _moment(us: int) -> datetime:
    return datetime.fromtimestamp(us // clock.SECOND, UTC)
