"""The watch over declarations: what it sees ends a worker's turn, and what it cannot read does not end the watch.
And views over events that are filled where nothing streams."""

import threading

import pytest
from histories import event_table, make_data_set

from pipelines import feature_store, streaming
from pipelines.batch_features import compute_batch_features
from pipelines.streaming import _pause_on_change
from streamrank import clock, embedded
from streamrank.events.log import EventLog
from streamrank.settings import settings
from streamrank.stores.reader import OnlineReader
from streamrank.stream.leases import workers_alive


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


def acted(item: str, at_us: int) -> dict:
    times = dict.fromkeys(("event_time", "arrived_at", "log_position"), at_us)
    return {"event_id": item, "event_type": "view", "user_id": "ann", "item_id": item, "creator_id": "c"} | times


def recent() -> list[str]:
    found = OnlineReader(feature_store.open_store(), "viewer").read({"user_id": ["ann"]})
    return found.columns["recent_items"].to_pylist()[0]


def test_what_is_loaded_while_nothing_streams_is_read_after_the_next_filling(platform):
    now = clock.now_us()
    data = make_data_set([acted("first", now - 2_000_000)], items=[{"item_id": "first"}])
    compute_batch_features(data)
    feature_store.apply()
    embedded.ensure_redis()
    views = streaming.fill_views(data)
    assert recent() == ["first"]
    EventLog(data.events).append(event_table([acted("second", now - 1_000_000)]), "test", 2)
    assert streaming.fill_views(data) == views
    assert recent() == ["first", "second"]


def test_a_worker_counts_as_alive_until_it_is_closed(platform):
    now = clock.now_us()
    data = make_data_set([acted("first", now - 2_000_000)], items=[{"item_id": "first"}])
    compute_batch_features(data)
    feature_store.apply()
    embedded.ensure_redis()
    worker = streaming.open_worker(data)
    assert workers_alive(worker.connection, worker.project) == 0
    worker.look_after_shards(now=True)
    assert workers_alive(worker.connection, worker.project) == 1
    worker.close()
    assert workers_alive(worker.connection, worker.project) == 0
