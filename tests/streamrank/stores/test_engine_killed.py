"""A writer or a server that is killed in the middle leaves whole values only, and running again completes."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from feast import Field
from feast.types import Int64
from materialized import World, at, world_at
from servers import Server

from streamrank.environment import CHECKOUT

KEYS = 60_000
FEATURES = [f"v{i}" for i in range(8)]
OLD, NEW = 0, 1_000_000
RUN = """
import sys
from pathlib import Path
from materialized import at, world_at
world_at(Path(sys.argv[1]), sys.argv[2], batch_engine={"batch_rows": 500}).store.materialize(at(-1), at(5))
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path / "server", {"appendonly": "yes", "appendfsync": "always"}).start()
    yield server
    server.kill()


@pytest.fixture
def world(tmp_path: Path, server: Server) -> World:
    """Every key's eight values are the key itself; the file then has newer rows, whose values are a million more."""
    world = world_at(tmp_path, server.address)
    write(world, OLD, at(0))
    world.apply(schema=[Field(name=name, dtype=Int64) for name in FEATURES])
    world.store.materialize(at(-1), at(1))
    write(world, NEW, at(2))
    return world


def write(world: World, base: int, event) -> None:
    keys = np.arange(KEYS)
    stamps = pa.array([event] * KEYS, pa.timestamp("us", "UTC"))
    columns = {"item_id": keys, "event_timestamp": stamps, "created": stamps}
    pq.write_table(pa.table({**columns, **dict.fromkeys(FEATURES, keys + base)}), world.folder / "stats.parquet")


def served(world: World) -> np.ndarray:
    """int64 [keys, features]; fails on a value that is missing."""
    parts = []
    for begin in range(0, KEYS, 10_000):
        keys = list(range(begin, begin + 10_000))
        answer = world.read({"item_id": keys}, *(f"stats:{name}" for name in FEATURES))
        parts.append(np.array([answer[name] for name in FEATURES], np.int64).T)
    return np.concatenate(parts)


def run(world: World, server: Server) -> subprocess.Popen:
    """`materialize` of the newer rows in a process of its own, once it has begun to write."""
    before = writes(server)
    command = [sys.executable, "-c", RUN, str(world.folder), server.address]
    path = os.pathsep.join([str(CHECKOUT), str(CHECKOUT / "tests")])
    process = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": path}, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 60
    while writes(server) < before + KEYS // 10:
        assert process.poll() is None and time.monotonic() < deadline, process.stderr.read()
        time.sleep(0.001)
    return process


def writes(server: Server) -> int:
    """How many keys have been set in the server's life."""
    with server.client() as client:
        return client.info("commandstats").get("cmdstat_set", {"calls": 0})["calls"]


def new_rows(world: World) -> int:
    """How many keys serve the newer row; fails unless each serves one row, old or new, as a whole."""
    values, keys = served(world), np.arange(KEYS)[:, None]
    old, new = (values == keys + OLD).all(axis=1), (values == keys + NEW).all(axis=1)
    assert (old | new).all()
    return int(new.sum())


def test_a_killed_writer_leaves_whole_rows_and_a_second_run_completes(world, server):
    process = run(world, server)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert 0 < new_rows(world) < KEYS
    world.store.materialize(at(-1), at(5))
    assert new_rows(world) == KEYS


def test_a_killed_server_leaves_whole_rows_fails_the_run_and_a_second_one_completes(world, server):
    process = run(world, server)
    server.kill()
    _, said = process.communicate(timeout=120)
    assert process.returncode != 0 and server.address in said.decode()
    server.start()
    assert 0 < new_rows(world) < KEYS
    world.store.materialize(at(-1), at(5))
    assert new_rows(world) == KEYS
