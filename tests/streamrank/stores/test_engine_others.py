"""The engine beside parts that are not ours, and views that are more than a copy."""

from datetime import timedelta
from pathlib import Path

import pandas as pd
from feast import BatchFeatureView, Entity, Field, FileSource, ValueType
from feast.types import Int64
from materialized import World, at, row, world_at

from streamrank import clock

SQLITE, REDIS, DUCKDB = "sqlite", "redis", "duckdb"


def filled(world: World) -> World:
    world.write([row(item, at(hour), item * 10 + hour) for hour in (1, 0) for item in range(3)])
    world.apply()
    world.store.materialize(at(-1), at(2))
    return world


def test_another_s_online_store_gets_feast_s_rows(tmp_path: Path, redis_server: str):
    online = {"type": SQLITE, "path": str(tmp_path / "online.db")}
    world = filled(world_at(tmp_path, redis_server, online_store=online, batch_engine={"batch_rows": 2}))
    assert world.read({"item_id": [0, 1, 2, 3]})["views"] == [1, 11, 21, None]


def test_another_s_online_store_and_a_view_without_entities(tmp_path: Path, redis_server: str):
    world = world_at(tmp_path, redis_server, online_store={"type": SQLITE, "path": str(tmp_path / "online.db")})
    world.write([{"event_timestamp": at(0), "created": at(0), "total": 7}], "totals")
    world.apply("totals", keys=(), schema=[Field(name="total", dtype=Int64)])
    world.write([row(1, at(0), 10)])
    world.apply()
    world.store.materialize(at(-1), at(3))
    assert world.read({"item_id": [1]}, "stats:views", "totals:total") == {"views": [10], "total": [7]}


def test_another_s_offline_store_fills_our_online_store(tmp_path: Path, redis_server: str):
    with clock.use(clock.VirtualClock(clock.microseconds(at(4)))):
        world = filled(world_at(tmp_path, redis_server, project=tmp_path.name, offline_store={"type": DUCKDB}))
        assert world.read({"item_id": [0, 1, 2, 3]})["views"] == [1, 11, 21, None]
        world.store.teardown()


def test_a_view_with_a_transformation_is_left_to_feast(tmp_path: Path, redis_server: str):
    world = world_at(tmp_path, redis_server, project=tmp_path.name)
    world.write([row(item, at(0), item) for item in range(3)])
    item = Entity(name="item", join_keys=["item_id"], value_type=ValueType.INT64)
    source = FileSource(
        path=str(tmp_path / "stats.parquet"), timestamp_field="event_timestamp", created_timestamp_column="created"
    )
    view = BatchFeatureView(
        name="doubled", entities=[item], ttl=timedelta(0), source=source, mode="pandas", udf=doubled, online=True,
        schema=[Field(name="double", dtype=Int64)],
    )  # fmt: skip
    world.store.apply([item, view])
    world.store.materialize(at(-1), at(2))
    assert world.read({"item_id": [0, 1, 2]}, "doubled:double")["double"] == [0, 2, 4]
    world.store.teardown()


def doubled(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(double=frame["views"] * 2)
