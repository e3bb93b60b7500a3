"""Bare `feast` commands in feature_repo/, as a user types them, with nothing but environment variables set."""

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from histories import DAY, make_data_set
from platforms import environment, free_port

from pipelines.batch_features import compute_batch_features
from streamrank import clock
from streamrank.environment import CHECKOUT, variables

FEATURE_REPO = CHECKOUT / "feature_repo"
FEAST = str(Path(sys.executable).with_name("feast"))

READ = """
import json, sys
from feast import FeatureStore
store = FeatureStore(repo_path=sys.argv[1])
keys = {"user_id": ["u1", "u9"], "item_id": ["i1", "i9"], "creator_id": ["c1", ""], "topic": ["a", ""]}
request = {"request_time": [1_700_000_000_000_000] * 2, "surface": ["home", None], "stated_topics": [None, ["a"]]}
found = store.get_online_features(store.get_feature_service("ranker"), keys | request).to_dict()
assert "derived" not in sys.modules, "the definitions were imported"
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory, redis_server: str) -> Iterator[dict[str, str]]:
    """The environment of a shell, over a data set whose features have been computed."""
    root = str(tmp_path_factory.mktemp("root"))
    with environment(STREAMRANK_ROOT=root, STREAMRANK_DATASET="bare-commands", STREAMRANK_REDIS_URL=redis_server):
        view = {"event_type": "view", "user_id": "u1", "item_id": "i1", "creator_id": "c1", "topics": ["a"]}
        last = clock.now_us() - 2 * DAY
        data = make_data_set(
            [view | {"event_time": last - day * DAY} for day in (0, 1, 500)],
            items=[{"item_id": "i1", "creator_id": "c1", "topics": ["a"], "year": 1994, "duration_ms": 90_000}],
        )
        compute_batch_features(data)
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "STREAMRANK_REDIS_URL") if name in os.environ}
        yield kept | variables()


def run(shell: dict[str, str], *words: str, folder: Path = FEATURE_REPO) -> str:
    """What a command prints, both streams; fails with it when the command does."""
    done = subprocess.run(words, cwd=folder, env=shell, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def applied(shell) -> str:
    return run(shell, FEAST, "apply")


@pytest.fixture(scope="module")
def materialized(shell, applied) -> str:
    return run(shell, FEAST, "materialize-incremental", f"{clock.now():%Y-%m-%dT%H:%M:%S}")


@pytest.fixture(scope="module")
def found(shell, materialized, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list]:
    """Online features of a known and an unknown user and item, read by a process far from feature_repo/."""
    return read(shell, tmp_path_factory.mktemp("elsewhere"))


def read(shell: dict[str, str], folder: Path) -> dict[str, list]:
    printed = run(shell, sys.executable, "-W", "ignore", "-c", READ, str(FEATURE_REPO), folder=folder)
    return json.loads(next(line for line in printed.splitlines() if line.startswith("{")))


def test_apply_registers_the_feature_views(applied):
    assert all(view in applied for view in ("item_daily", "user_interests", "user_attributes", "user_recent"))


def test_the_first_incremental_materialize_brings_everything_that_is_known_always(found):
    assert found["item_year"] == [1994.0, None]
    assert found["item_duration_ms"] == [90_000.0, None]
    assert found["item_views_60d"] == [2.0, None]


def test_materialize_leaves_what_follows_events_as_it_is_and_says_so(materialized):
    assert "'user_recent' follows its events and is left as it is" in materialized


def test_a_process_without_the_definitions_computes_derived_features(found):
    assert found["topic_overlap"] == [1.0, None]
    assert found["user_topic_share"] == [1.0, None]
    assert found["hour"] == [22.0, 22.0]
    assert [code is None for code in found["surface_code"]] == [False, True]


def test_materializing_a_range_and_applying_again_change_nothing(shell, found, tmp_path):
    start, end = clock.now() - timedelta(days=30), clock.now()
    assert "item_daily" in run(shell, FEAST, "materialize", f"{start:%Y-%m-%dT%H:%M:%S}", f"{end:%Y-%m-%dT%H:%M:%S}")
    run(shell, FEAST, "apply")
    assert read(shell, tmp_path) == found


def test_the_ui_serves_its_page(shell, applied, tmp_path):
    port = free_port()
    with (tmp_path / "ui.log").open("w+") as log:
        words = [FEAST, "ui", "--host", "127.0.0.1", "--port", str(port)]
        server = subprocess.Popen(words, cwd=FEATURE_REPO, env=shell, stdout=log, stderr=log)
        try:
            page = fetch(f"http://127.0.0.1:{port}/", server)
        finally:
            server.terminate()
            server.wait(30)
        log.seek(0)
        assert "Traceback" not in log.read()
    assert "<title>Feast" in page


def fetch(address: str, server: subprocess.Popen, seconds: int = 60) -> str:
    """The page, once the server answers."""
    for _ in range(seconds * 5):
        assert server.poll() is None, "the server ended"
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:
                return answer.read().decode()
        except OSError:
            time.sleep(0.2)
    raise AssertionError(f"{address} did not answer within {seconds} s")
