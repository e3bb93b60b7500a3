"""Feast's own commands on the platform's online store: they find the server, and say how to start one."""

import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from platforms import environment

from streamrank import embedded
from streamrank import environment as variables

DEFINITIONS = """
from datetime import timedelta
from feast import Entity, FeatureView, Field, FileSource, ValueType
from feast.types import Int64

item = Entity(name="item", join_keys=["item_id"], value_type=ValueType.STRING)
views = FeatureView(
    name="views", entities=[item], ttl=timedelta(0), schema=[Field(name="count", dtype=Int64)],
    source=FileSource(path="PATH", timestamp_field="event_timestamp", created_timestamp_column="created"),
)
"""


@pytest.fixture
def repo(platform: Path, tmp_path: Path) -> Path:
    """A feature repo with one view of two items, configured as the platform's own."""
    (platform / "ml-100k").mkdir(parents=True)
    folder = tmp_path / "repo"
    folder.mkdir()
    stamps = pa.array([1_700_000_000_000_000] * 2, pa.timestamp("us", tz="UTC"))
    rows = pa.table({"item_id": ["a", "b"], "count": [3, 4], "event_timestamp": stamps, "created": stamps})
    pq.write_table(rows, tmp_path / "views.parquet")
    (folder / "views.py").write_text(DEFINITIONS.replace("PATH", str(tmp_path / "views.parquet")))
    own = Path(__file__).parents[3] / "feature_repo" / "feature_store.yaml"
    (folder / "feature_store.yaml").write_text(own.read_text())
    return folder


def feast(repo: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from feast.cli.cli import cli; cli()", *words]
    env = {**os.environ, **variables.variables()}
    return subprocess.run(command, cwd=repo, env=env, capture_output=True, text=True, timeout=120)


def materialize(repo: Path) -> subprocess.CompletedProcess[str]:
    return feast(repo, "materialize", "2023-11-01T00:00:00", "2023-12-01T00:00:00")


def test_bare_feast_commands_use_the_embedded_server(repo):
    embedded.up()
    assert feast(repo, "apply").returncode == 0
    done = materialize(repo)
    assert done.returncode == 0, done.stderr
    found = feast(repo, "get-online-features", "-e", "item_id=a", "-f", "views:count")
    assert "3" in found.stdout, found.stderr


def test_without_a_server_the_message_says_streamrank_up(repo):
    feast(repo, "apply")
    done = materialize(repo)
    assert done.returncode != 0
    assert "streamrank up" in done.stderr + done.stdout


def test_with_a_user_s_own_server_down_the_message_names_the_variable(repo):
    with environment(STREAMRANK_REDIS_URL="redis://127.0.0.1:1/0"):
        feast(repo, "apply")
        done = materialize(repo)
    assert "STREAMRANK_REDIS_URL" in done.stderr + done.stdout
