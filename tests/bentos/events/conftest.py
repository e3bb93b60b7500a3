"""One place and one intake on it for all tests that do not need another."""

from collections.abc import Iterator

import pytest
from running_intake import BENTO, place_at
from running_service import Service, serving
from small_world import World


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    from streamrank import embedded

    made = place_at(tmp_path_factory.mktemp("intake"))
    yield made
    with made.entered():
        embedded.down()


@pytest.fixture(scope="session")
def intake(place: World) -> Iterator[Service]:
    with serving(place, place.root / "intake.log", BENTO) as running:
        yield running
