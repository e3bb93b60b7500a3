"""The watch over declarations: what it sees ends a worker's turn, and what it cannot read does not end the watch."""

import threading

import pytest

from pipelines.streaming import _pause_on_change
from streamrank.settings import settings


@pytest.mark.parametrize("content", [None, b"half a regis"])
def test_a_stream_ends_when_told_to_though_its_registry_cannot_be_read(platform, content):
    if content is not None:
        settings().home.mkdir(parents=True)
        (settings().home / "registry.db").write_bytes(content)
    stop, pause = threading.Event(), threading.Event()
    watching = threading.Thread(target=_pause_on_change, args=(set(), stop, pause), daemon=True)
    watching.start()
    assert not pause.wait(1.0) and watching.is_alive()
    stop.set()
    assert pause.wait(10.0)
    watching.join()
