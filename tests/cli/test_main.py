"""The command line answers at once and speaks plainly."""

import subprocess
import sys

import pytest

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


def test_a_setting_that_does_not_fit_is_named_without_a_traceback(platform):
    import os

    done = subprocess.run(
        [sys.executable, "-m", "cli.main", "up"], capture_output=True, text=True,
        env={**os.environ, "STREAMRANK_REDIS_PORT": "many"},
    )  # fmt: skip
    assert done.returncode == 1
    assert "redis_port" in done.stderr
    assert "Traceback" not in done.stderr
