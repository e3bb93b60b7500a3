"""Views of latest acts online, beside Feast's own ways to read, write, materialize and delete."""

import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from feast import FeatureStore, RepoConfig
from feast.data_source import PushMode
from latest_views import USER, Event, feature_view, table
from reader_repo import NOW

from streamrank import clock
from streamrank.events.log import EventLog
from streamrank.events.redis_streams import redis_bus
from streamrank.latest.spec import latest_views
from streamrank.settings import feast_connection
from streamrank.stores.engine import StreamrankComputeEngineConfig
from streamrank.stores.offline import NAME as OFFLINE
from streamrank.stores.online import StreamrankOnlineStoreConfig
from streamrank.stores.packing.keys import project_prefix
from streamrank.stores.reader import NOT_FOUND, PRESENT, OnlineReader
from streamrank.stores.refusing import WindowedWrite
from streamrank.stream.worker import Worker
from streamrank.windows.errors import DeclarationError

ENGINE = StreamrankComputeEngineConfig().type
REFERENCES = ["acts:word", "acts:amount", "acts:size"]
PAST = NOW - 60_000_000
ACTS = [Event(PAST + number, PAST, "ann", (f"w{number}",), None if number else 0.5) for number in range(5)]
ACTS.append(Event(PAST + 5, PAST, "bob", ("x",), 2.0))


@pytest.fixture
def store(tmp_path: Path, redis_server: str) -> Iterator[FeatureStore]:
    online = StreamrankOnlineStoreConfig(connection_string=feast_connection(redis_server))
    made = FeatureStore(
        config=RepoConfig(
            project=f"project_{uuid.uuid4().hex}", provider="local", registry=str(tmp_path / "registry.db"),
            offline_store={"type": OFFLINE}, batch_engine={"type": ENGINE}, online_store=online.model_dump(),
            entity_key_serialization_version=3,
        )
    )  # fmt: skip
    with clock.use(clock.VirtualClock(NOW)):
        made.apply([USER, feature_view(log=str(tmp_path / "log"))])
        yield made
        made.teardown()


@pytest.fixture
def filled(store: FeatureStore, tmp_path: Path) -> FeatureStore:
    """Filled from a log by a worker that finds nothing on its bus."""
    events = table(ACTS)
    events = events.append_column("arrived_at", events["log_position"].cast(pa.timestamp("us", "UTC")))
    log = EventLog(tmp_path / "log")
    log.append(events, "test", 1)
    connection = store._get_provider().online_store.connection(store.config)
    published = pa.schema([("event_id", pa.string()), *(field for field in events.schema
                           if field.name not in ("shard", "log_position", "arrived_at"))])  # fmt: skip
    bus = redis_bus(connection, store.project, published)
    worker = Worker(bus, connection, store.project, latest_views(store), log)
    worker.drain()
    worker.close()
    return store


def read(store: FeatureStore, users: list, references: list[str] = REFERENCES):
    return OnlineReader(store, references).read({"user_id": users})


def test_lists_come_as_arrow_columns_of_their_types_even_of_one_user(filled):
    found = read(filled, ["ann"])
    assert not found.blocks and {name: column.type for name, column in found.columns.items()} == {
        "word": pa.list_(pa.string()), "amount": pa.list_(pa.float32()), "size": pa.list_(pa.int64()),
    }  # fmt: skip
    assert found.columns["word"].to_pylist() == [["w2", "w3", "w4"]]
    assert found.columns["size"].to_pylist() == [[3, 3, 3]]


def test_a_row_says_its_times_and_has_a_digest_of_what_it_holds(filled):
    found = read(filled, ["ann", "bob", "never", None])
    state = found.rows["acts"]
    assert state.status.tolist() == [PRESENT, PRESENT, NOT_FOUND, NOT_FOUND]
    assert state.created_us.tolist() == [PAST + 4, PAST + 5, 0, 0] and state.event_us.tolist() == [PAST, PAST, 0, 0]
    ann, bob, *nobody = found.digests["acts"].tolist()
    assert ann and bob and ann != bob and nobody == [0, 0]
    assert found.windows == {} and OnlineReader(filled, REFERENCES).views_of_acts == ("acts",)
    some = found.at(np.array([1, 1]))
    assert some.digests["acts"].tolist() == [bob, bob] and some.rows["acts"].created_us.tolist() == [PAST + 5] * 2


def test_plain_feast_reads_the_same(filled):
    found = filled.get_online_features(REFERENCES, [{"user_id": "bob"}, {"user_id": "never"}]).to_dict()
    assert found == {
        "user_id": ["bob", "never"], "word": [["x"], None], "amount": [[2.0], None], "size": [[3], None]
    }  # fmt: skip
    offline = pa.table({"user_id": ["bob"], "event_timestamp": pa.array([NOW], pa.timestamp("us", "UTC"))})
    (row,) = filled.get_historical_features(offline, REFERENCES).to_arrow().select(["word", "amount"]).to_pylist()
    assert row == {"word": ["x"], "amount": [2.0]}


def test_what_nobody_has_filled_is_missing(store, caplog):
    found = read(store, ["ann"])
    assert found.columns["word"].to_pylist() == [None] and found.rows["acts"].status.tolist() == [NOT_FOUND]
    assert found.digests["acts"].tolist() == [0]
    assert "nothing of its present declaration is filled" in caplog.text
    assert store.get_online_features(REFERENCES, [{"user_id": "ann"}]).to_dict()["word"] == [None]


def test_writes_are_refused_and_say_how_events_come_in(store):
    frame = pd.DataFrame({"user_id": ["ann"], "event_time": [pd.Timestamp(NOW, unit="us", tz="UTC")], "word": [["a"]],
                          "amount": [[1.0]], "size": [[1]]})  # fmt: skip
    online, view = store._get_provider().online_store, store.get_feature_view("acts")
    ways = [
        *(lambda to=to: store.push("acts", frame, to=to) for to in PushMode),
        lambda: store.write_to_online_store("acts", frame),
        lambda: store.write_to_offline_store("acts", frame),
        lambda: online.write_columns(store.config, view, None, None, None),
        lambda: online.online_write_batch(store.config, view, [], None),
    ]
    for way in ways:
        with pytest.raises(WindowedWrite, match=r"'acts'.*streamrank publish"):
            way()


def test_materializing_leaves_it_as_it_is(filled):
    before = read(filled, ["ann"]).digests["acts"].tolist()
    now = clock.now()
    filled.materialize(now - timedelta(days=1), now)
    filled.materialize_incremental(now)
    assert read(filled, ["ann"]).digests["acts"].tolist() == before


def test_it_is_listed_and_comes_back_from_the_registry_as_it_was_declared(store):
    (view,) = store.list_feature_views()
    assert view.name == "acts" and view.batch_source.most == 3 and view.stream_source.name == "acts"
    assert [found.name for found in latest_views(store)] == ["acts"]
    store.apply([USER, feature_view(log=view.batch_source.log)])
    assert latest_views(store)[0].fingerprint == latest_views(FeatureStore(config=store.config))[0].fingerprint


def test_deleting_it_removes_all_its_keys(filled, redis_server):
    import redis

    host, _, port = feast_connection(redis_server).partition(",")[0].partition(":")
    server, prefix = redis.Redis(host, int(port)), project_prefix(filled.project)
    assert list(server.scan_iter(match=prefix + b"acts!*"))
    filled.apply([USER], objects_to_delete=[filled.get_feature_view("acts")], partial=False)
    assert not list(server.scan_iter(match=prefix + b"acts*"))


def test_apply_refuses_what_cannot_be_the_same_online_and_offline(store):
    with pytest.raises(DeclarationError, match="most: expected 1 to 10,000"):
        store.apply([USER, feature_view(most=20_000)])
    assert store.get_feature_view("acts").batch_source.most == 3


def test_apply_refuses_keys_whose_acts_are_in_several_shards(store, tmp_path):
    events = table([Event(PAST, PAST, "ann", ("x",)), Event(PAST + 1, PAST, "bob", ("x",))])
    EventLog(tmp_path / "log").append(events.append_column("arrived_at", events["event_time"]), "test", 1)
    by_word = feature_view(log=str(tmp_path / "log"), sql="""
        SELECT event_time, shard, log_position, unnest(words) AS user_id, user_id AS word, amount, 1 AS size
        FROM events""")  # fmt: skip
    with pytest.raises(DeclarationError, match="the acts of a key in one shard of the bus, found several"):
        store.apply([USER, by_word])
    assert store.get_feature_view("acts").batch_source.sql != by_word.batch_source.sql
