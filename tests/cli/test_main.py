"""The command line answers at once and speaks plainly."""

import subprocess
import sys

import pytest
from full_disk import full
from platforms import environment

HEAVY = ("feast", "bentoml", "great_expectations", "pandas", "pyarrow", "duckdb", "xgboost", "pydantic")


def streamrank(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "cli.main", *words], capture_output=True, text=True, timeout=60)


def test_help_names_the_commands(platform):
    shown = streamrank("--help").stdout
    assert all(command in shown for command in ("up", "down", "status", "env"))


@pytest.mark.parametrize("module", ["streamrank", "cli.main"])
def test_nothing_heavy_is_imported_before_a_command_runs(module):
    code = f"import sys, {module}; print([name for name in {HEAVY!r} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    assert found == "[]"


def test_up_status_and_down(platform):
    assert streamrank("status").returncode == 1
    assert "started" in streamrank("up").stdout
    assert "running" in streamrank("status").stdout
    assert "already" in streamrank("up").stdout
    assert "stopped" in streamrank("down").stdout


def test_env_prints_what_a_shell_can_read(platform):
    read = subprocess.run(
        ["sh", "-c", f'eval "$({sys.executable} -m cli.main env)"; echo "$STREAMRANK_ROOT|$BENTOML_DO_NOT_TRACK"'],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert read.stdout.strip() == f"{platform}|True"


@pytest.mark.parametrize("words", [["up"], ["serve"], ["train"], ["recommend", "7"], ["dataset", "ml-100k"]])
def test_a_setting_that_does_not_fit_is_named_without_a_traceback(platform, words):
    with environment(STREAMRANK_REDIS_PORT="many"):
        done = streamrank(*words)
    assert done.returncode == 1
    assert "STREAMRANK_REDIS_PORT (loopback port of the embedded server): expected a whole number" in done.stderr
    assert "found 'many'; correct the variable" in done.stderr
    assert "Traceback" not in done.stderr and "pydantic" not in done.stderr


def test_an_instant_that_is_none_is_named_without_a_traceback(platform):
    with environment(STREAMRANK_NOW="soon"):
        done = streamrank("features")
    assert done.returncode == 1 and "STREAMRANK_NOW" in done.stderr and "found 'soon'" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("service", [".", "bentos.events.service:Events"])
def test_bentoml_serve_names_the_setting_too(platform, service):
    with environment(STREAMRANK_SERVED_SAMPLE_RATE="7"):
        done = subprocess.run(
            [sys.executable, "-m", "bentoml", "serve", service], capture_output=True, text=True, timeout=60
        )
    assert done.returncode != 0
    said = " ".join((done.stdout + done.stderr).split())
    assert "STREAMRANK_SERVED_SAMPLE_RATE" in said and "expected a number at least 0 and at most 1" in said
    assert "Traceback" not in said


def test_a_full_disk_is_told_without_a_traceback_and_the_command_can_be_run_again(platform, tmp_path):
    events = tmp_path / "events.csv"
    events.write_text("event_time,user_id,item_id\n2024-01-01,7,m\n")
    words = ("dataset", "files", "--events", str(events), "--name", "full")
    with full():
        refused = streamrank(*words)
    assert refused.returncode == 1 and "Traceback" not in refused.stderr
    said = " ".join(refused.stderr.split())
    assert "File too large" in said and ("Make room under" in said or "make room there" in said)
    assert "1 events added" in streamrank(*words).stdout
