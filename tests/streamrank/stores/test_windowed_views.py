"""Windowed views beside Feast's own ways to write, materialize and delete: nothing spoils what follows the events."""

import json
import logging
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx
import pandas as pd
import pytest
from feast import FeatureStore
from feast.data_source import PushMode
from feast.types import Float32
from platforms import free_port
from reader_repo import NOW, entity, store_at, view, write
from windowed_repo import FUNCTIONS, events, fill, filled, point, server, view_of, windowed

from streamrank import clock
from streamrank.events.redis_streams.keys import shard_prefix
from streamrank.settings import feast_connection
from streamrank.stores.packing.keys import project_prefix
from streamrank.stores.reader import OnlineReader
from streamrank.stores.refusing import WindowedWrite
from streamrank.stream import generations

ITEM = entity("item", "item_id")
FEAST = str(Path(sys.executable).with_name("feast"))
EVENT = pd.DataFrame({"item_id": ["a"], "event_time": [pd.Timestamp(NOW, unit="us", tz="UTC")]})
ROW = EVENT.assign(**{each.name: [1.0] for each in FUNCTIONS})


@pytest.fixture
def online(tmp_path, redis_server) -> Iterator[FeatureStore]:
    store = store_at(tmp_path, redis_server, f"project_{uuid.uuid4().hex}")
    with clock.use(clock.VirtualClock(NOW)):
        yield store
        store.teardown()


def keys(store: FeatureStore) -> set[bytes]:
    return set(server(store).scan_iter(match=project_prefix(store.project) + b"*"))


@pytest.mark.parametrize("frame", [EVENT, ROW], ids=["event", "row"])
def test_writes_are_refused_and_say_how_events_come_in(online, frame):
    online.apply([ITEM, windowed("live", [ITEM])])
    ways = [
        *(lambda to=to: online.push("live", frame, to=to) for to in PushMode),
        lambda: online.write_to_online_store("live", frame),
        lambda: online.write_to_offline_store("live", frame),
        lambda: online._get_provider().online_store.write_columns(
            online.config, online.get_stream_feature_view("live"), None, None, None
        ),
        lambda: online._get_provider().online_store.online_write_batch(
            online.config, online.get_stream_feature_view("live"), [], None
        ),
    ]
    for way in ways:
        with pytest.raises(WindowedWrite, match=r"'live'.*streamrank publish"):
            way()
    assert not keys(online)


def test_other_views_are_pushed_as_before(online):
    from feast import FeatureView, Field, FileSource, PushSource
    from feast.types import String

    source = PushSource(name="pushed", batch_source=FileSource(path="x.parquet", timestamp_field="event_time"))
    fields = [Field(name="item_id", dtype=String), Field(name="year", dtype=Float32)]
    online.apply([ITEM, FeatureView(name="rows", entities=[ITEM], schema=fields, source=source)])
    online.push("pushed", EVENT.assign(year=[2.0]))
    assert OnlineReader(online, ["rows:year"]).read({"item_id": ["a"]}).matrix.tolist() == [[2.0]]


def test_deleting_a_view_removes_all_its_generations_and_no_others(online):
    live, other, rows = windowed("live", [ITEM]), windowed("live2", [ITEM]), view("items", [ITEM], {"year": Float32})
    online.apply([ITEM, live, other, rows])
    write(online, "items", {"item_id": ["a"], "year": [1.0]}, NOW)
    for number in (1, 2):
        point(online, "live", fill(online, "live", events([0], item_id=["a"]), number))
    filled(online, "live2", events([0], item_id=["a"]))
    connection = online._get_provider().online_store.connection(online.config)
    names = {name: f"{name}!{view_of(online, name).fingerprint}-2" for name in ("live", "live2")}
    for shard in (0, 7):
        held = {b"generations": " ".join(names.values()).encode()}
        connection.set_fields(shard_prefix(online.project, shard) + b"worker", held)
    before = keys(online)
    online.apply([], objects_to_delete=[online.get_stream_feature_view("live")], partial=False)
    gone = before - keys(online)
    left = {one.name for state in generations.states(connection, online.project) for one in state.generations}
    assert left == {names["live2"]}
    assert len(gone) == 3 and all(key.startswith(project_prefix(online.project) + b"live!") for key in gone)
    online.teardown()
    assert not keys(online)


@pytest.fixture
def repository(tmp_path, redis_server) -> Path:
    """A repository as a user has it: a file of definitions, a registry, rows to materialize."""
    at = pd.Timestamp.now("UTC").floor("s")
    pd.DataFrame({"item_id": ["a"], "year": [5.0], "event_timestamp": [at]}).to_parquet(tmp_path / "items.parquet")
    (tmp_path / "definitions.py").write_text(DEFINITIONS)
    settings = {
        "project": f"p{time.time_ns()}", "provider": "local", "registry": "registry.db",
        "entity_key_serialization_version": 3,
        "offline_store": {"type": "streamrank.stores.offline.StreamrankOfflineStore"},
        "online_store": {
            "type": "streamrank.stores.online.StreamrankOnlineStore",
            "connection_string": feast_connection(redis_server),
        },
        "batch_engine": {"type": "streamrank.stores.engine.StreamrankComputeEngine"},
    }  # fmt: skip
    (tmp_path / "feature_store.yaml").write_text(json.dumps(settings))
    run(tmp_path, "apply")
    return tmp_path


DEFINITIONS = """
from datetime import timedelta
from feast import Entity, FeatureView, Field, FileSource, PushSource, StreamFeatureView, ValueType
from feast.aggregation import Aggregation
from feast.types import Float32, String
from streamrank.windows.source import EventSource

item = Entity(name="item", join_keys=["item_id"], value_type=ValueType.STRING)
rows = FileSource(name="rows", path="items.parquet", timestamp_field="event_timestamp")
items = FeatureView(name="items", entities=[item], source=rows, schema=[Field(name="year", dtype=Float32)])
sql = "SELECT event_time, shard, log_position, item_id, 1 AS seen FROM events"
log = EventSource(name="log", log="events", sql=sql)
live = StreamFeatureView(
    name="live", entities=[item], source=PushSource(name="live", batch_source=log), timestamp_field="event_time",
    schema=[Field(name="views_10m", dtype=Float32)],
    aggregations=[Aggregation("seen", "count", timedelta(minutes=10), timedelta(minutes=1), "views_10m")],
)
"""


def run(folder: Path, *words: str) -> str:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    done = subprocess.run([FEAST, *words], cwd=folder, env=kept, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_materializing_leaves_windows_alone_and_says_so(repository, caplog):
    store = FeatureStore(str(repository))
    now = pd.Timestamp.now("UTC")
    filled(store, "live", events([0], item_id=["a"], now_us=now.value // 1_000))
    before = keys(store)
    began, ends = (now - pd.Timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%S"), now.strftime("%Y-%m-%dT%H:%M:%S")
    for words in (("materialize", began, ends), ("materialize-incremental", ends)):
        assert "streamrank rebuild live" in run(repository, *words), words
    with caplog.at_level(logging.WARNING):
        store.materialize(now - pd.Timedelta(days=1), now, ["live"])
    assert "streamrank rebuild live" in caplog.text
    assert len(keys(store) - before) == 2  # a row of items and its layouts
    assert before <= keys(store)
    read = OnlineReader(store, ["items:year", "live:views_10m"]).read({"item_id": ["a"]})
    assert read.matrix.tolist() == [[5.0, 1.0]]


def test_the_feature_server_refuses_a_push_and_reads_windows(repository):
    store = FeatureStore(str(repository))
    filled(store, "live", events([0], item_id=["a"], now_us=time.time_ns() // 1_000))
    port = free_port()
    with (repository / "server.log").open("wb") as log:
        process = subprocess.Popen([FEAST, "serve", "-p", str(port)], cwd=repository, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_for(url, process)
        frame = {"item_id": ["a"], "event_time": ["2026-01-01T00:00:00Z"]}
        for to in ("online", "offline", "online_and_offline"):
            answer = httpx.post(f"{url}/push", json={"push_source_name": "live", "df": frame, "to": to}, timeout=60)
            assert answer.status_code >= 400 and "streamrank publish" in answer.text, answer.text
        answer = httpx.post(f"{url}/write-to-online-store", json={"feature_view_name": "live", "df": frame}, timeout=60)
        assert answer.status_code >= 400 and "streamrank publish" in answer.text, answer.text
        asked = {"features": ["live:views_10m"], "entities": {"item_id": ["a", "never"]}}
        found = httpx.post(f"{url}/get-online-features", json=asked, timeout=60).json()
        assert found["results"][1]["values"] == [1.0, 0.0]
    finally:
        process.terminate()
        process.wait(30)


def _wait_for(url: str, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            if httpx.get(f"{url}/health", timeout=5).status_code == 200:
                return
        except httpx.TransportError:
            pass
        assert process.poll() is None and time.monotonic() < deadline, "the feature server did not start"
        time.sleep(0.1)
