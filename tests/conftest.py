"""The real embedded server, and a platform of its own for each test that asks for one."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from platforms import environment, free_port, platform_at

from streamrank.environment import prepare

prepare()


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Path]:
    """A fresh STREAMRANK_ROOT; the embedded server starts when something asks for it."""
    with platform_at(tmp_path / "root") as root:
        yield root


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a real Valkey server that lives as long as the test session."""
    from streamrank import embedded

    root, port = str(tmp_path_factory.mktemp("server")), str(free_port())
    with environment(STREAMRANK_ROOT=root, STREAMRANK_REDIS_PORT=port):
        url = embedded.ensure_redis()
    yield url
    with environment(STREAMRANK_ROOT=root, STREAMRANK_REDIS_PORT=port):
        embedded.down()
