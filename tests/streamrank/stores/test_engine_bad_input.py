"""What materialization refuses: the error names the view, the column and what to do, and the run is not recorded."""

from pathlib import Path

import pytest
from feast import Field
from feast.infra.common.materialization_job import MaterializationJobStatus, MaterializationTask
from feast.types import Int64, String
from materialized import World, at, row, world_at


@pytest.fixture
def world(tmp_path: Path, redis_server: str) -> World:
    return world_at(tmp_path, redis_server, project=tmp_path.name)


def failure(world: World) -> str:
    """The message of the failed run, which must leave no interval behind."""
    with pytest.raises(Exception) as raised:  # whichever part refuses
        world.store.materialize(at(-1), at(1))
    assert world.store.get_feature_view("stats").materialization_intervals == []
    return str(raised.value)


def test_a_missing_feature_column(world):
    world.write([row(1, at(0), 10)])
    world.apply()
    world.write([{name: value for name, value in row(1, at(0), 10).items() if name != "rate"}])
    message = failure(world)
    assert "stats" in message and "rate" in message


def test_a_missing_key_column(world):
    world.write([row(1, at(0), 10)])
    world.apply()
    world.write([{name: value for name, value in row(1, at(0), 10).items() if name != "item_id"}])
    message = failure(world)
    assert "stats" in message and "item_id" in message


def test_a_column_that_does_not_fit_its_field(world):
    world.write([{**row(1, at(0), 10), "views": "many"}])
    world.apply(schema=[Field(name="views", dtype=Int64)])
    message = failure(world)
    assert all(word in message for word in ("stats", "views", "many"))


def test_a_key_that_does_not_fit_its_entity(world):
    world.write([{**row(1, at(0), 10), "item_id": "one"}])
    world.apply()
    message = failure(world)
    assert "stats" in message and "item_id" in message


def test_a_time_column_that_is_no_time(world):
    world.write([{**row(1, at(0), 10), "event_timestamp": "yesterday"}])
    world.apply()
    message = failure(world)
    assert "stats" in message and "event_timestamp" in message


def test_an_unreachable_server(tmp_path):
    world = world_at(tmp_path, "127.0.0.1:1")
    world.write([row(1, at(0), 10)])
    world.apply()
    assert "127.0.0.1:1" in failure(world)


def test_the_job_carries_the_error(world):
    world.write([row(1, at(0), 10)])
    view = world.apply(schema=[Field(name="views", dtype=String), Field(name="nothing", dtype=Int64)])
    (job,) = world.engine.materialize(
        world.store.registry, MaterializationTask(world.store.project, view, at(-1), at(1))
    )
    assert job.status() is MaterializationJobStatus.ERROR
    assert "nothing" in str(job.error())


def test_the_rows_before_a_bad_batch_stay_whole(world):
    world.write([row(1, at(0), 10)])
    world.apply()
    world.store.materialize(at(-1), at(1))
    world.write([{**row(1, at(0), 11), "views": "x"}])
    with pytest.raises(Exception, match="views"):
        world.store.materialize(at(-1), at(1))
    assert world.read({"item_id": [1]})["views"] == [10]
