"""Platforms for tests: a root of their own, a free port, and the settings read anew."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def environment(**values: str) -> Iterator[None]:
    """Sets variables for this process and its children; the settings are read anew, before and after."""
    from streamrank.settings import settings

    values = derived(values)
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    settings.cache_clear()
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None) if value is None else os.environ.update({name: value})
        settings.cache_clear()


def derived(values: dict[str, str]) -> dict[str, str]:
    """`values` and what follows from them, so that nothing of the surrounding environment shows through."""
    root, dataset = values.get("STREAMRANK_ROOT"), values.get("STREAMRANK_DATASET")
    home = {"BENTOML_HOME": f"{root}/bentoml"} if root else {}
    project = {"STREAMRANK_PROJECT": dataset.replace("-", "_")} if dataset else {}
    return {**home, **project, **values}


@contextmanager
def platform_at(root: Path, **more: str) -> Iterator[Path]:
    """Points the platform at `root`, with a free port for its embedded server, which is stopped at the end."""
    from streamrank import embedded

    with environment(STREAMRANK_ROOT=str(root), STREAMRANK_REDIS_PORT=str(free_port()), **more):
        try:
            yield root
        finally:
            embedded.down()
