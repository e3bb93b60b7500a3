"""When the bus is full or gone, producers are told to come again, and nothing is lost that was taken."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest
from running_intake import BENTO, event, on_the_bus, place_at, post
from running_service import Service, serving, until
from small_world import World

from streamrank.environment import CHECKOUT


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, Service]]:
    """A bus that is soon full, and an intake that does not wait long for room."""
    from streamrank import embedded

    place = place_at(tmp_path_factory.mktemp("small"))
    limits = {"STREAMRANK_BUS_LIMIT_BYTES": "400000", "STREAMRANK_BUS_PATIENCE": "PT0.1S"}
    with serving(place, place.root / "intake.log", BENTO, **limits) as running:
        yield place, running
    with place.entered():
        embedded.down()


def test_a_full_bus_turns_producers_back_and_takes_them_once_there_is_room(small):
    place, intake = small
    sent, answer = [], None
    while answer is None or answer.status_code == 200:
        sent.append([event(user_id=f"u{number}", device=os.urandom(60).hex()) for number in range(100)])
        answer = post(intake, sent[-1])
        assert len(sent) < 1_000
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0
    assert "full" in answer.json()["error"]
    assert intake.metric("streamrank_publish_turned_back_total", reason="full") == 1
    taken = set(on_the_bus(place))
    assert {each["event_id"] for batch in sent[:-1] for each in batch} <= taken
    _free(place)
    again = post(intake, sent[-1])
    assert again.status_code == 200
    assert again.json()["taken"] + again.json()["duplicates"] == 100
    assert {each["event_id"] for each in sent[-1]} <= taken | set(on_the_bus(place))


def _free(place: World) -> None:
    from catalog.bus import open_bus

    with place.entered():
        bus = open_bus()
        bus.commit("log", dict(enumerate(bus.ends().tolist())))
        bus.trim()


def test_without_the_server_producers_are_turned_back_until_it_is_there_again(small):
    from streamrank import embedded

    place, intake = small
    os.kill(place.valkey, signal.SIGKILL)
    events = [event()]
    until(lambda: post(intake, events).status_code == 503, "the intake does not say that its bus is gone")
    answer = post(intake, events)
    assert int(answer.headers["Retry-After"]) > 0
    assert "does not answer" in answer.json()["error"]
    with place.entered():
        embedded.ensure_redis()
    until(lambda: post(intake, events).status_code == 200, "the intake did not recover")
    assert events[0]["event_id"] in on_the_bus(place)


BARE = f"""
import os
for name in ("BENTOML_DO_NOT_TRACK", "BENTOML_HOME"):
    os.environ.pop(name, None)
from bentoml_cli.cli import cli
cli(["serve", {BENTO!r}])
"""


def test_without_a_data_set_the_command_that_loads_one_is_named_and_nothing_is_reported(tmp_path):
    """Outside .venv nothing is set before `bentoml` starts. Debugging, it would log a report instead of sending it."""
    variables = {"STREAMRANK_ROOT": str(tmp_path), "STREAMRANK_DATASET": "none", "HOME": str(tmp_path)}
    environment = os.environ | variables | {"__BENTOML_DEBUG_USAGE": "True"}
    ended = subprocess.run(
        [sys.executable, "-c", BARE], cwd=CHECKOUT, capture_output=True, text=True, timeout=60, env=environment
    )
    said = " ".join((ended.stdout + ended.stderr).split())
    assert ended.returncode == 1
    assert "data set 'none' is not loaded" in said
    assert "streamrank dataset" in said
    assert "Traceback" not in said
    assert "Tracking" not in said
