"""One small world and one service on it for all tests of the recommender."""

from collections.abc import Iterator

import pytest
from running_service import Service, serving
from small_world import World, build, world_at


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    from streamrank import embedded

    made = world_at(tmp_path_factory.mktemp("world"))
    with made.entered():
        build(made.root)
    yield made
    with made.entered():
        embedded.down()


@pytest.fixture(scope="session")
def service(world: World) -> Iterator[Service]:
    """The service on the small world; a request may wait long, so that a busy machine degrades nothing."""
    variables = {
        "STREAMRANK_SERVED_FLUSH_SECONDS": "0.2", "STREAMRANK_SERVED_SAMPLE_RATE": "0.5",
        "STREAMRANK_FEATURE_TIMEOUT_SECONDS": "3", "STREAMRANK_SOURCE_BUDGET_SECONDS": "3",
    }  # fmt: skip
    with serving(world, world.root / "service.log", **variables) as running:
        yield running
