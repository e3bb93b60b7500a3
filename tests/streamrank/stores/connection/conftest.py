"""A plain server for the session, empty for each test, and a connection to it."""

from collections.abc import Iterator

import pytest
from servers import Server, running

from streamrank.stores.connection import Connection, ConnectionOptions, connect


@pytest.fixture(scope="session")
def plain_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("plain")
    with running(folder, unixsocket=str(folder / "s")) as server:
        yield server


@pytest.fixture
def server(plain_server: Server) -> Server:
    with plain_server.client() as client:
        client.flushall()
    return plain_server


@pytest.fixture
def connection(server: Server) -> Iterator[Connection]:
    made = connect(ConnectionOptions.parse(f"{server.address},db=0,socket_timeout=10"))
    yield made
    made.close()
