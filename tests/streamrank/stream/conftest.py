from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from streamed_world import World, world_at


@pytest.fixture
def world(redis_server: str, tmp_path: Path) -> Iterator[World]:
    """A project of its own on the shared server."""
    made = world_at(redis_server, tmp_path, project=f"p{uuid4().hex[:8]}")
    yield made
    made.connection.close()
