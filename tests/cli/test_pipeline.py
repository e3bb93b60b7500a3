"""The steps of learning as a user runs them: results on stdout, refusals in one line, exit codes."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from histories import DAY
from learning_world import NOW, impressions, learn_backwards, made, with_views
from platforms import environment
from pyarrow import csv

from catalog.dataset import DataSet
from pipelines.point_in_time import historical_features
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
    done = streamrank("train")
    trained = done.stdout
    assert "training-set" not in done.stderr and "kept: " in trained and "without fresh: " in trained
    assert "of the kind" in trained and ("trees" not in trained or "most telling features" in trained)
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


def test_models_are_listed_and_the_one_before_is_put_back(world):
    found = json.loads(streamrank("models", "--json").stdout)
    assert [model["state"] for model in found["models"]] == ["in use", "was in use"]
    latest, first = (model["tag"] for model in found["models"])
    back = json.loads(streamrank("rollback", "--json").stdout)
    assert (back["tag"], back["replaced"], back["action"]) == (first, latest, "rolled back")
    listed = streamrank("models").stdout
    assert first.partition(":")[2] in listed and "in use" in listed and "ndcg@10" in listed
    refused = streamrank("promote", latest)
    assert refused.returncode == 1 and "not promoted, it is worse" in refused.stderr
    again = streamrank("rollback")
    assert again.returncode == 1 and "found none" in again.stderr and "Traceback" not in again.stderr


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_features_for_a_file_of_one_s_own_are_those_of_the_service(world, tmp_path, ending):
    rows = {"user_id": ["u1", "u2", "nobody"], "item_id": ["i3", "i4", "i3"], "campaign": ["a", "b", None]}
    table = pa.table(rows | {"event_timestamp": pa.array([NOW, NOW - DAY, NOW], pa.timestamp("us", "UTC"))})
    asked, out = tmp_path / f"asked.{ending}", tmp_path / "found" / "set.parquet"
    csv.write_csv(table, asked) if ending == "csv" else pq.write_table(table, asked)
    made = streamrank("training-set", "--entities", str(asked), "--service", "ranker", "--out", str(out), "--json")
    assert json.loads(made.stdout) == {"rows": 3, "out": str(out)}, made.stderr
    found = pq.read_table(out)
    assert found.column_names[:4] == table.column_names
    assert found["campaign"].fill_null("").to_pylist() == ["a", "b", ""]
    times = table["event_timestamp"].cast(pa.int64())
    whole = table.append_column("request_time", times).append_column("surface", pa.nulls(3, pa.string()))
    expected = historical_features(whole, "ranker")
    features = [name for name in expected.column_names if name not in whole.column_names]
    assert found.select(features).equals(expected.select(features))
    assert set(found.column_names) == {*whole.column_names, "stated_topics", *features}
    assert found["ut_views_60d"].null_count < 3 and found["hour"].null_count == 0


def test_a_set_of_the_log_goes_where_it_is_wanted(world, tmp_path):
    out = tmp_path / "set.parquet"
    made = json.loads(streamrank("training-set", "--service", "ranker", "--out", str(out), "--json").stdout)
    assert pq.read_table(out).num_rows == made["rows"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--entities", "{none}.csv", "--out", "{out}"), "expected a file with the rows to ask for, found none"),
        (("--entities", "{timeless}", "--out", "{out}"), "expected a column event_timestamp"),
        (("--entities", "{keyless}", "--out", "{out}"), "item_id"),
        (("--entities", "{keyless}", "--out", "{out}", "--service", "rankers"), "'rankers' is not registered"),
        (("--entities", "{none}.xlsx", "--out", "{out}"), "expected a .parquet or .csv file"),
        (("--entities", "{keyless}", "--out", "{keyless}"), "expected the name of a .parquet file to write"),
    ],
)
def test_rows_that_cannot_be_asked_for_are_named(world, tmp_path, words, told):
    (tmp_path / "timeless.csv").write_text("user_id,item_id\nu1,i1\n")
    (tmp_path / "keyless.csv").write_text("user_id,event_timestamp\nu1,2026-01-01\n")
    places = {name: str(tmp_path / name) for name in ("none", "out")}
    places["out"] += ".parquet"
    places |= {name: str(tmp_path / f"{name}.csv") for name in ("timeless", "keyless")}
    refused = streamrank("training-set", *(word.format(**places) for word in words))
    assert refused.returncode == 1 and told in refused.stderr
    assert "Traceback" not in refused.stderr and not (tmp_path / "out.parquet").exists()


@pytest.mark.parametrize("command", ["training-set", "promote"])
def test_without_data_the_command_to_run_is_named(platform, command):
    refused = streamrank(command)
    assert refused.returncode == 1 and "run `streamrank" in refused.stderr
    assert "Traceback" not in refused.stderr
