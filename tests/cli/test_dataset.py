import pytest
from tiny_sources import kuairand_as_downloaded, kuairand_as_parquet
from typer.testing import CliRunner

from catalog.dataset import DataSet
from catalog.errors import InputError
from cli.dataset import app
from pipelines import inputs
from pipelines.inputs import StepMissing
from streamrank.events.log import EventLog


def _run(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments))
    if result.exception:
        raise result.exception
    return result.stdout


@pytest.mark.parametrize("layout", [kuairand_as_parquet, kuairand_as_downloaded])
def test_kuairand_is_loaded_and_its_counts_are_shown(platform, tmp_path, layout):
    said = _run("kuairand", "--path", str(layout(tmp_path / "download")))
    assert "11 events added, 0 turned away at the door" in said
    assert "choose it for the commands that follow: export STREAMRANK_DATASET=kuairand" in said
    data = DataSet.named("kuairand")
    assert data.manifest().counts == {"events": 11, "events of unknown items": 3, "items": 2, "users": 2}
    assert EventLog(data.events).count() == 11


def test_own_files_are_loaded_and_what_is_turned_away_is_shown(platform, tmp_path):
    events = tmp_path / "events.csv"
    events.write_text("event_time,user_id,item_id,mood\n2024-01-01,7,m,good\nsoon,7,m,bad\n")
    said = _run("files", "--events", str(events), "--name", "mine", "--shift-to-now")
    assert "1 events added, 1 turned away at the door" in said
    assert "all times moved by" in said
    assert f"rows turned away, with their reasons: {DataSet.named('mine').quarantine}" in said
    assert "columns not in the layout were left out: mood" in said
    again = _run("files", "--events", str(events), "--name", "mine", "--shift-to-now")
    assert "this content was loaded before: nothing added" in again


def test_data_of_the_past_that_is_left_there_is_said_to_leave_windows_empty(platform, tmp_path):
    events = tmp_path / "events.csv"
    events.write_text("event_time,user_id,item_id\n2024-01-01,7,m\n")
    said = _run("files", "--events", str(events), "--name", "mine")
    assert "days old" in said and "--shift-to-now" in said
    assert "days old" not in _run("files", "--events", str(events), "--name", "moved", "--shift-to-now")
    events.write_text("event_time,user_id,item_id\n3,7,m\n")
    steps = _run("files", "--events", str(events), "--name", "steps")
    assert "days old" not in steps and "only tell what came first" in steps


def test_what_cannot_be_used_is_refused_before_anything_is_written(platform, tmp_path):
    with pytest.raises(InputError, match="found nothing"):
        _run("files", "--events", str(tmp_path / "absent.csv"), "--name", "mine")
    assert not DataSet.named("mine").home.exists()


@pytest.mark.parametrize("name", ["", "../up", "bentoml", "cache", "valkey", "a b"])
def test_a_name_that_no_data_set_can_have_is_refused(platform, tmp_path, name):
    with pytest.raises(InputError, match="data set name"):
        _run("kuairand", "--path", str(kuairand_as_parquet(tmp_path / "download")), "--name", name)


def test_a_kind_of_event_that_is_unknown_is_told_which_there_are(platform, tmp_path):
    events = tmp_path / "events.csv"
    events.write_text("event_time,user_id,item_id,event_type\n2024-01-01,7,m,listen\n")
    said = _run("files", "--events", str(events), "--name", "music")
    assert "0 events added, 1 turned away" in said and "event_type is one of impression, click, view, like" in said
    with pytest.raises(StepMissing, match=r"has no events.*see .*quarantine for what was turned away"):
        inputs.events(DataSet.named("music"))
