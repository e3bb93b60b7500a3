"""--dataset on any command is STREAMRANK_DATASET for that command alone."""

import os
import subprocess
import sys

import pytest
import typer

from cli.main import app
from streamrank.environment import CHECKOUT

WITHOUT = {"up", "down", "status", "env", "demo", "simulate"}  # of the server, of no data set, or of their own


def streamrank(*words: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, "-m", "cli.main", *words], cwd=CHECKOUT, capture_output=True, text=True)


def test_every_command_that_works_on_a_data_set_takes_it_and_means_the_same():
    commands = {name: each for name, each in typer.main.get_command(app).commands.items() if name not in WITHOUT}
    helps = {
        option.help
        for name, each in commands.items()
        if not hasattr(each, "commands")
        for option in each.params
        if option.name == "dataset"
    }
    lacking = [
        name
        for name, each in commands.items()
        if not hasattr(each, "commands") and "dataset" not in {option.name for option in each.params}
    ]
    assert lacking == [] and len(helps) == 1


def test_a_command_works_on_the_data_set_that_it_names_and_on_no_other(platform, tmp_path):
    file = tmp_path / "e.csv"
    file.write_text("event_time,user_id,item_id,event_type,value\n2024-01-01,u,a,rating,90\n2024-01-02,u,b,rating,10\n")
    made = streamrank("dataset", "files", "--events", str(file), "--name", "mine", "--rating-scale", "0-100")
    assert made.returncode == 0, made.stderr
    assert "75 and more counts as liked, 50% of them do" in made.stdout
    assert os.environ["STREAMRANK_DATASET"] != "mine"
    named = streamrank("features", "--dataset", "mine")
    assert named.returncode == 0, named.stderr
    assert {path.name for path in platform.iterdir() if (path / "features").is_dir()} == {"mine"}
    unknown = streamrank("features", "--dataset", "nobodys")
    assert unknown.returncode == 1 and "'nobodys'" in unknown.stderr and "Traceback" not in unknown.stderr
    bad = streamrank("dataset", "files", "--events", str(file), "--name", "other", "--rating-scale", "lots")
    assert bad.returncode == 2 and "such as 0-100" in " ".join(bad.stderr.replace("│", " ").split())


@pytest.mark.parametrize("name", ["a/b", "-x"])
def test_a_name_that_no_data_set_can_have_is_refused(platform, name):
    refused = streamrank("models", f"--dataset={name}")
    assert refused.returncode == 1 and "dataset" in refused.stderr and "Traceback" not in refused.stderr
