"""The steps of learning as a user runs them: results on stdout, refusals in one line, exit codes."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from learning_world import NOW, impressions, learn_backwards, made, with_views
from platforms import environment

from catalog.dataset import DataSet
from streamrank import clock
from streamrank.clock import VirtualClock


def streamrank(*words: str) -> subprocess.CompletedProcess[str]:
    now = datetime.fromtimestamp(NOW // 1_000_000, UTC).isoformat()
    return subprocess.run(
        [sys.executable, "-m", "cli.main", *words], capture_output=True, text=True, timeout=300,
        env={**os.environ, "STREAMRANK_NOW": now},
    )  # fmt: skip


@pytest.fixture(scope="module")
def world(tmp_path_factory, redis_server) -> Iterator[DataSet]:
    """A data set with features, on which the commands run in the order of this file."""
    root = str(tmp_path_factory.mktemp("root"))
    variables = {"STREAMRANK_ROOT": root, "STREAMRANK_DATASET": "learning", "STREAMRANK_REDIS_URL": redis_server}
    with environment(**variables), clock.use(VirtualClock(NOW)):
        yield with_views(made(impressions()))


def test_from_the_training_set_to_the_ranker_in_use(world):
    made_set = json.loads(streamrank("training-set", "--json").stdout)
    assert made_set["rows"] > made_set["groups"] > 0
    trained = streamrank("train").stdout
    assert "trees from" in trained and "most telling features" in trained
    tables = streamrank("evaluate").stdout
    assert "all requests" in tables and "recent popularity" in tables and "paired by request" in tables
    promoted = streamrank("promote")
    assert promoted.returncode == 0 and "in use from now on: ranker-learning:" in promoted.stdout


def test_json_is_all_that_evaluate_prints_to_stdout_when_asked(world):
    found = json.loads(streamrank("evaluate", "--json").stdout)
    assert found["tables"][0]["name"] == "all" and found["replaces"]["paired"]


def test_a_worse_ranker_ends_promote_with_exit_code_1_unless_forced(world):
    learn_backwards(world)
    assert streamrank("evaluate").returncode == 0
    refused = streamrank("promote")
    assert refused.returncode == 1 and "not promoted, the trained ranker is worse: ndcg@10" in refused.stderr
    assert "Traceback" not in refused.stderr
    forced = streamrank("promote", "--force")
    assert forced.returncode == 0 and "forced, though worse" in forced.stdout


@pytest.mark.parametrize("command", ["training-set", "promote"])
def test_without_data_the_command_to_run_is_named(platform, command):
    refused = streamrank(command)
    assert refused.returncode == 1 and "run `streamrank" in refused.stderr
    assert "Traceback" not in refused.stderr
