"""A plain server for the session; each test has a project of its own on it."""

from collections.abc import Iterator

import pytest
from servers import Server, running
from streams import a_bus

from streamrank.events.redis_streams import RedisStreams


@pytest.fixture(scope="session")
def bus_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("bus")) as server:
        yield server


@pytest.fixture
def bus(bus_server: Server) -> RedisStreams:
    """Without a limit that a test would meet; ids are remembered for 4 seconds at least and 5 at most."""
    return a_bus(bus_server.address)
