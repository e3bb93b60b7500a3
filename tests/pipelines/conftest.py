"""The learning world after training, made once a session; each test has a copy of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from trained_world import build, copied

from catalog.dataset import DataSet


@pytest.fixture(scope="session")
def trained_template(tmp_path_factory, redis_server) -> Path:
    root = tmp_path_factory.mktemp("trained")
    assert build(root, redis_server) == ["features", "apply", "training-set", "train"]
    return root


@pytest.fixture
def trained(trained_template, tmp_path, redis_server) -> Iterator[DataSet]:
    with copied(trained_template, tmp_path / "root", redis_server) as data:
        yield data
