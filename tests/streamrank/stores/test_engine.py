"""Materialization through plain Feast, all three parts ours: what is served is the latest row of every key."""

import logging
import traceback
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from feast import Field, ValueType
from feast.infra.common.materialization_job import MaterializationJobStatus, MaterializationTask
from feast.types import Float32, Int64, String
from materialized import STATS, World, at, row, world_at

from streamrank import clock


@pytest.fixture
def world(tmp_path: Path, redis_server: str) -> Iterator[World]:
    with clock.use(clock.VirtualClock(clock.microseconds(at(48)))):
        made = world_at(tmp_path, redis_server, project=tmp_path.name, batch_engine={"batch_rows": 7})
        yield made
        made.store.teardown()


def test_the_latest_row_of_every_key_is_served(world):
    world.write([row(item, at(hour), item * 100 + hour) for hour in (1, 0, 2) for item in range(50)])
    world.apply()
    world.store.materialize(at(0), at(2))
    answer = world.read({"item_id": list(range(50))})
    assert answer["views"] == [item * 100 + 2 for item in range(50)]
    assert answer["rate"] == [(item * 100 + 2) / 2 for item in range(50)]


def test_only_the_span_asked_for_is_materialized(world):
    world.write([row(1, at(0), 10), row(1, at(3), 13), row(2, at(3), 23)])
    world.apply()
    world.store.materialize(at(-1), at(2))
    assert world.read({"item_id": [1, 2]})["views"] == [10, None]


def test_an_incremental_run_adds_what_came_since(world):
    world.write([row(1, at(0), 10), row(2, at(0), 20)])
    world.apply()
    world.store.materialize(at(-1), at(1))
    world.write([row(1, at(0), 99), row(2, at(2), 22), row(3, at(2), 32)])
    world.store.materialize_incremental(at(3))
    assert world.read({"item_id": [1, 2, 3]})["views"] == [10, 22, 32]


def test_equal_times_replace_and_older_rows_never_do(world):
    world.write([row(1, at(2), 10), row(2, at(2), 20)])
    world.apply()
    world.store.materialize(at(0), at(3))
    world.write([row(1, at(2), 11), row(2, at(1), 29)])
    world.store.materialize(at(0), at(3))
    assert world.read({"item_id": [1, 2]})["views"] == [11, 20]


def test_the_created_time_decides_between_rows_of_one_moment(world):
    world.write([row(1, at(1), 10, at(5)), row(1, at(1), 11, at(6)), row(1, at(1), 12, at(4))])
    world.apply()
    world.store.materialize(at(0), at(3))
    assert world.read({"item_id": [1]})["views"] == [11]


def test_a_late_correction_is_found_by_the_next_incremental_run_under_the_cutoff(tmp_path, redis_server):
    world = world_at(tmp_path, redis_server, project=tmp_path.name, offline_store={"created_cutoff": True})
    with clock.use(clock.VirtualClock(clock.microseconds(at(48)))):
        world.write([row(1, at(0), 10)])
        world.apply()
        world.store.materialize(at(-1), at(2))
        world.write([row(1, at(0), 10), row(1, at(0), 11, created=at(3))])
        world.store.materialize_incremental(at(4))
        assert world.read({"item_id": [1]})["views"] == [11]
        world.store.teardown()


def test_all_time_is_materialized_when_event_timestamps_are_disabled(world):
    world.write([row(1, at(-24 * 400), 10), row(2, at(40), 20)])
    world.apply()
    world.store.materialize(at(0), at(1), disable_event_timestamp=True)
    assert world.read({"item_id": [1, 2]})["views"] == [10, 20]


def test_all_rows_are_offered_when_more_than_the_latest_are_asked_for(world):
    world.write([row(1, at(hour), hour) for hour in (2, 0, 1)])
    view = world.apply()
    ticks = Ticks()
    world.engine.materialize(world.store.registry, task(world, view, only_latest=False, tqdm_builder=ticks))
    assert ticks.rows == 3
    assert world.read({"item_id": [1]})["views"] == [2]


def test_null_keys_are_left_out_and_counted_in_a_warning(world, caplog):
    world.write([row(None, at(0), 1), row(1, at(0), 10)])
    world.apply()
    with caplog.at_level(logging.WARNING):
        world.store.materialize(at(-1), at(1))
    assert "'stats': 1 rows with a null key" in caplog.text
    assert world.read({"item_id": [1]})["views"] == [10]


def test_null_values_and_nulls_of_the_created_column_are_kept(world):
    rows = [row(1, at(0), None), {**row(2, at(0), 20), "created": None}]
    world.write(rows)
    world.apply()
    world.store.materialize(at(-1), at(1))
    assert world.read({"item_id": [1, 2]}) == {"views": [None, 20], "rate": [None, 10.0]}


def test_fields_of_other_names_in_the_source_are_mapped(world):
    world.write([{"item": 1, "n": 10, "rate": 0.5, "ts": at(0), "made": at(0)}])
    mapping = {"item": "item_id", "n": "views", "ts": "event_timestamp", "made": "created"}
    world.apply(field_mapping=mapping)
    world.store.materialize(at(-1), at(1))
    assert world.read({"item_id": [1]}) == {"views": [10], "rate": [0.5]}


def test_a_view_without_entities(world):
    world.write([{"event_timestamp": at(hour), "created": at(hour), "total": hour} for hour in (0, 2, 1)], "totals")
    world.apply("totals", keys=(), schema=[Field(name="total", dtype=Int64)])
    world.write([row(1, at(0), 10)])
    world.apply()
    world.store.materialize(at(-1), at(3))
    answer = world.read({"item_id": [1, 2]}, "stats:views", "totals:total")
    assert answer == {"views": [10, None], "total": [2, 2]}


def test_a_view_without_a_created_column(world):
    world.write([{"item_id": 1, "event_timestamp": at(hour), "views": hour, "rate": 0.0} for hour in (0, 2, 1)])
    world.apply(created=None)
    world.store.materialize(at(-1), at(3))
    assert world.read({"item_id": [1]})["views"] == [2]


def test_string_keys_and_keys_of_two_components(world):
    stamps = {"event_timestamp": at(0), "created": at(0)}
    pairs = [("u", "vw"), ("uv", "w"), ("é", "")]
    world.write([{"user_id": u, "item_id": i, "rate": n / 2, **stamps} for n, (u, i) in enumerate(pairs)], "pairs")
    world.apply("pairs", keys=("user_id", "item_id"), schema=STATS[1:], kinds=ValueType.STRING)
    world.store.materialize(at(-1), at(1))
    users, items = zip(*pairs, strict=True)
    assert world.read({"user_id": list(users), "item_id": list(items)}, "pairs:rate")["rate"] == [0.0, 0.5, 1.0]


@pytest.mark.parametrize("kind", [pa.timestamp("ns", "UTC"), pa.timestamp("ms"), pa.timestamp("s"), pa.timestamp("us")])
def test_times_of_every_unit_aware_and_naive(world, kind):
    schema = pa.schema([("item_id", pa.int64()), ("views", pa.int64()), ("rate", pa.float32())])
    schema = schema.append(pa.field("event_timestamp", kind)).append(pa.field("created", kind))
    naive = kind.tz is None
    rows = [row(1, at(hour), hour) for hour in (0, 2, 1)]
    times = [{**r, "event_timestamp": _naive(r["event_timestamp"]), "created": _naive(r["created"])} for r in rows]
    world.write(times if naive else rows, schema=schema)
    world.apply()
    world.store.materialize(at(-1), at(3))
    assert world.read({"item_id": [1]})["views"] == [2]


def test_the_bar_ticks_once_a_row(world):
    world.write([row(item, at(hour), item) for hour in (0, 1) for item in range(20)])
    view = world.apply()
    ticks = Ticks()
    (job,) = world.engine.materialize(world.store.registry, task(world, view, tqdm_builder=ticks))
    assert job.status() is MaterializationJobStatus.SUCCEEDED
    assert (ticks.rows, ticks.closed) == (20, True)


def test_a_span_without_rows_succeeds(world):
    world.write([row(1, at(0), 10)])
    world.apply()
    world.store.materialize(at(5), at(6))
    assert world.read({"item_id": [1]})["views"] == [None]


def test_the_offline_store_is_held_to_the_engine_s_memory(tmp_path, redis_server):
    world = world_at(tmp_path, redis_server, batch_engine={"memory_limit": "123MB"})
    limited = world.engine._limited().offline_store
    assert (limited.memory_limit, limited.threads) == ("123MB", 2)
    assert world.store.config.offline_store.memory_limit is None


def test_too_little_memory_is_told_with_the_option_to_change(tmp_path, redis_server):
    world = world_at(tmp_path, redis_server, project=tmp_path.name, batch_engine={"memory_limit": "1MB"})
    world.write([row(item, at(0), item) for item in range(200_000)])
    view = world.apply()
    (job,) = world.engine.materialize(world.store.registry, task(world, view))
    assert job.status() is MaterializationJobStatus.ERROR
    assert "batch_engine.memory_limit" in "".join(traceback.format_exception(job.error()))


def test_values_are_read_back_as_the_types_that_are_declared(world):
    world.write([row(1, at(0), 10)])
    world.apply(schema=[Field(name="views", dtype=Float32), Field(name="rate", dtype=Float32)])
    world.store.materialize(at(-1), at(1))
    assert world.read({"item_id": [1]}) == {"views": [10.0], "rate": [5.0]}


def test_a_partition_s_date_is_served_as_the_text_that_feast_infers(world):
    for item, day in ((1, "2026-01-01"), (2, "2026-01-02")):
        partition = world.folder / "stats.parquet" / f"day={day}"
        partition.mkdir(parents=True)
        pq.write_table(pa.Table.from_pylist([row(item, at(0), 10)]), partition / "rows.parquet")
    world.apply(schema=[Field(name="day", dtype=String)])
    world.store.materialize(at(-1), at(1))
    assert world.read({"item_id": [1, 2]}, "stats:day")["day"] == ["2026-01-01", "2026-01-02"]


class Ticks:
    """A progress bar's builder and the bar: counts rows."""

    def __init__(self) -> None:
        self.rows, self.closed = 0, False

    def __call__(self, total: int) -> "Ticks":
        return self

    def update(self, rows: int) -> None:
        self.rows += rows

    def __enter__(self) -> "Ticks":
        return self

    def __exit__(self, *_) -> None:
        self.closed = True


def task(world: World, view, **more) -> MaterializationTask:
    return MaterializationTask(world.store.project, view, at(-1), at(3), **more)


def _naive(moment):
    return moment.replace(tzinfo=None)
