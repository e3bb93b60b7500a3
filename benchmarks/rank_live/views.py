"""What the ranker asks for: the 40 row features of `benchmarks.online`, as many windowed ones, and some derived."""

import inspect
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from feast import (
    Entity,
    FeatureService,
    FeatureView,
    Field,
    FileSource,
    OnDemandFeatureView,
    PushSource,
    RequestSource,
    StreamFeatureView,
    ValueType,
)
from feast.aggregation import Aggregation
from feast.types import Float32, Int64

from benchmarks.online import filling, world
from benchmarks.rank_live import derived
from streamrank.derived import COLUMNWISE
from streamrank.paths import through
from streamrank.windows.source import EventSource

SERVICE = "live"
ATTRIBUTES = "item_attributes"
WINDOWS = {
    "10m": (timedelta(minutes=10), timedelta(minutes=1)),
    "1h": (timedelta(hours=1), timedelta(minutes=5)),
    "24h": (timedelta(hours=24), timedelta(hours=1)),
    "7d": (timedelta(days=7), timedelta(hours=6)),
}
COLUMNS = {
    "impressions": "CASE WHEN event_type = 'impression' THEN 1 END",
    "views": "CASE WHEN event_type = 'view' THEN 1 END",
    "likes": "CASE WHEN event_type = 'like' THEN 1 END",
    "watch": "CASE WHEN event_type = 'view' THEN watch_ms END",
    "viewers": "CASE event_type WHEN 'enter' THEN 1 WHEN 'leave' THEN -1 END",
}
SIGNS = {"impressions": "count", "views": "count", "likes": "count", "watch": "sum"}


def definitions(folder: Path) -> list:
    """All of Feast's objects, the row views among them."""
    made = filling.definitions(folder, older=False)
    entities = {each.name: each for each in made if isinstance(each, Entity)}
    tags = through(ATTRIBUTES, "made_by")
    entities["creator_id"] = Entity(name="creator_id", join_keys=["creator_id"], value_type=ValueType.INT64, tags=tags)
    rows = {each.name: each for each in made if isinstance(each, FeatureView)}
    live = list(_windowed(entities, folder))
    computed = _derived(rows["items"], {each.name: each for each in live})
    service = FeatureService(name=SERVICE, features=[*(rows[view.name] for view in world.REQUEST), *live, computed])
    return [*entities.values(), *rows.values(), attributes(folder, entities["item_id"]), *live, computed, service]


def attributes(folder: Path, item: Entity) -> FeatureView:
    """Who made an item: how a request's items lead to creators."""
    source = FileSource(path=str(folder / f"{ATTRIBUTES}.parquet"), timestamp_field="event_timestamp")
    return FeatureView(name=ATTRIBUTES, entities=[item], schema=[Field(name="made_by", dtype=Int64)], source=source)


def _windowed(entities: dict[str, Entity], folder: Path) -> Iterator[StreamFeatureView]:
    item, creator, user = (entities[name] for name in ("item_id", "creator_id", "user_id"))
    means = [Aggregation("watch", "mean", *WINDOWS[suffix], f"i_watch_mean_{suffix}") for suffix in ("1h", "24h")]
    signs = [*_signs("i", SIGNS, "10m", "1h", "24h", "7d"), *means]
    yield _view("item_live", [item], signs, folder)
    yield _view("item_viewers", [item], [Aggregation("viewers", "sum", name="i_viewers")], folder)
    yield _view("creator_live", [creator], _signs("c", ("views", "likes", "watch"), "1h", "24h", "7d"), folder)
    yield _view("user_live", [user], _signs("u", ("views", "likes", "watch"), "1h", "24h"), folder)
    yield _view("user_creator_live", [user, creator], _signs("x", ("views", "watch"), "1h", "24h", "7d"), folder)


def _signs(prefix: str, columns, *suffixes: str) -> list[Aggregation]:
    return [
        Aggregation(column, SIGNS[column], *WINDOWS[suffix], f"{prefix}_{column}_{suffix}")
        for suffix in suffixes
        for column in columns
    ]


def _view(name: str, entities: list[Entity], aggregations: list[Aggregation], folder: Path) -> StreamFeatureView:
    read = dict.fromkeys(each.column for each in aggregations)
    columns = [*(each.join_key for each in entities), *(f"{COLUMNS[column]} AS {column}" for column in read)]
    sql = f"SELECT event_time, shard, log_position, {', '.join(columns)} FROM events"
    return StreamFeatureView(
        name=name, entities=entities, timestamp_field="event_time", aggregations=aggregations,
        schema=[Field(name=each.name, dtype=Float32) for each in aggregations],
        source=PushSource(name=name, batch_source=EventSource(name=f"{name}_events", log=str(folder / "log"), sql=sql)),
    )  # fmt: skip


def _derived(items: FeatureView, live: dict[str, StreamFeatureView]) -> OnDemandFeatureView:
    request = RequestSource(name="request", schema=[Field(name="request_time", dtype=Int64)])
    rates = [f"i_{sign}_{suffix}" for sign in ("views", "impressions") for suffix in ("10m", "1h", "24h")]
    return OnDemandFeatureView(
        name="derived", mode="python", udf=derived.derive, udf_string=inspect.getsource(derived), tags=COLUMNWISE,
        sources=[
            request, items[["i0"]], live["item_live"][rates], live["user_live"][["u_views_24h"]],
            live["user_creator_live"][["x_views_24h"]],
        ],
        schema=[Field(name=name, dtype=Float32) for name in derived.NAMES],
    )  # fmt: skip
