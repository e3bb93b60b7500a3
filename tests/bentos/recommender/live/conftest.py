"""A small world of its own, since events stream here, and a service on it."""

from collections.abc import Iterator

import pytest
from running_service import Service, serving
from small_world import World, build, world_at


@pytest.fixture(scope="package")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    from streamrank import embedded

    made = world_at(tmp_path_factory.mktemp("streaming"))
    with made.entered():
        build(made.root)
    yield made
    with made.entered():
        embedded.down()


@pytest.fixture(scope="package")
def service(world: World) -> Iterator[Service]:
    patience = {"STREAMRANK_FEATURE_TIMEOUT_SECONDS": "3", "STREAMRANK_SOURCE_BUDGET_SECONDS": "3"}
    with serving(world, world.root / "service.log", **patience) as running:
        yield running
