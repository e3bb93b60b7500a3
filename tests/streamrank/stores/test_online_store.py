"""What Feast's methods promise of the online store, on a real server."""

import asyncio
from datetime import UTC, timedelta

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from feast import Entity, FeatureService, FeatureView, Field, FileSource, ValueType
from feast.protos.feast.serving.ServingService_pb2 import FieldStatus
from feast.protos.feast.types.Value_pb2 import Value
from feast.types import Array, Float32, Int64, String
from online_repos import ITEM, NOW, answer, frame, item_view, keys, online, our_repo, row, write

from streamrank import clock
from streamrank.stores.packing.errors import FieldMismatch, MissingKey

HOUR = timedelta(hours=1)
PRESENT, NOT_FOUND, OUTSIDE = FieldStatus.PRESENT, FieldStatus.NOT_FOUND, FieldStatus.OUTSIDE_MAX_AGE
USER = Entity(name="user", join_keys=["user_id"], value_type=ValueType.INT64)


@pytest.fixture
def at():
    with clock.use(clock.VirtualClock(clock.microseconds(NOW))) as now:
        yield now


@pytest.fixture
def store(tmp_path, redis_server, at):
    store = our_repo(tmp_path, redis_server)
    yield store
    online(store).teardown(store.config, [], [])


def test_statuses_say_present_missing_or_too_old(store, at):
    store.apply([ITEM, item_view([("x", Float32), ("n", Int64)], ttl=HOUR)])
    store.write_to_online_store("v", frame(["a", "b"], x=[1.5, None], n=[None, 7]))
    asked = {"item_id": ["a", "b", "c", None, "a"]}
    for seconds, status, values in (
        (3_600, PRESENT, [1.5, None]),
        (1, OUTSIDE, [None, None]),
        (3_599, OUTSIDE, [None] * 2),
    ):
        at.advance_to(at.instant_us + seconds * clock.SECOND)
        found, statuses = answer(store, ["v:x", "v:n"], asked)
        assert found["x"] == [*values, None, None, values[0]]
        assert statuses["x"] == statuses["n"] == [status, status, NOT_FOUND, NOT_FOUND, status]
    at.advance_to(at.instant_us + 1)
    assert answer(store, ["v:x"], asked)[1]["x"] == [NOT_FOUND] * 5


def test_the_event_timestamps_are_the_rows_to_the_microsecond(store):
    store.apply([ITEM, item_view([("x", Float32)])])
    event = NOW - timedelta(days=30_000) + timedelta(microseconds=123_456)
    store.write_to_online_store("v", frame(["a"], event, x=[1.0]))
    vector = store.get_online_features(["v:x"], entity_rows={"item_id": ["a", "b"]}).proto.results[1]
    assert vector.event_timestamps[0].ToDatetime(UTC) == event
    assert not vector.event_timestamps[1].ListFields()


def test_a_new_or_retyped_feature_is_not_found_until_it_is_written(store):
    store.apply([ITEM, item_view([("x", Float32), ("y", Int64)])])
    store.write_to_online_store("v", frame(["a", "b"], x=[1.5, 2.5], y=[1, 2]))
    store.apply([ITEM, item_view([("z", String), ("y", Float32), ("x", Float32)])])
    store.write_to_online_store("v", frame(["b"], NOW + HOUR, x=[3.5], y=[4.0], z=["new"]))
    found, statuses = answer(store, ["v:x", "v:y", "v:z"], {"item_id": ["a", "b"]})
    assert (found["x"], found["y"], found["z"]) == ([1.5, 3.5], [None, 4.0], [None, "new"])
    assert (statuses["x"], statuses["y"]) == ([PRESENT, PRESENT], [NOT_FOUND, PRESENT])
    assert statuses["z"] == [NOT_FOUND, PRESENT]


def nanos(count: int) -> pd.Timestamp:
    return pd.Timestamp(NOW) + pd.Timedelta(count, "ns")


@pytest.mark.parametrize("order", [1, -1])
def test_the_newest_row_of_a_key_wins_in_any_order_and_any_spelling_of_time(store, order):
    store.apply([ITEM, item_view([("n", Int64)])])
    rows = [
        row("a", NOW.replace(tzinfo=None), n=Value(int64_val=1)),
        row("a", nanos(999), nanos(1_000), n=Value(int64_val=2)),
        row("a", NOW, pd.NaT, n=Value(int64_val=3)),
        row("b", NOW, NOW - HOUR, n=Value(int64_val=4)),
        row("b", NOW, n=Value(int64_val=5)),
    ]  # fmt: skip
    write(store, rows[::order])
    assert answer(store, ["v:n"], {"item_id": ["a", "b"]})[0]["n"] == [2, 5]


def test_a_value_that_does_not_fit_is_refused_by_name_and_nothing_is_written(store):
    store.apply([ITEM, item_view([("x", Float32)])])
    good, bad = row("a", NOW, x=Value(float_val=1)), row("b", NOW, x=Value(string_val="much"))
    with pytest.raises(FieldMismatch, match=r"'v', feature 'x': expected float_val, found string_val in row 1"):
        write(store, [good, bad])
    with pytest.raises(FieldMismatch, match=r"'v': expected a datetime in each row, found None in row 0"):
        write(store, [row("a", None, x=Value(float_val=1))])
    table = pa.table({"item_id": ["a"], "x": ["much"]})
    with pytest.raises(FieldMismatch, match=r"'v', feature 'x': expected Float32, found string \(as 'much'\)"):
        online(store).write_columns(store.config, store.get_feature_view("v"), table, np.array([0]), np.array([0]))
    with pytest.raises(MissingKey, match=r"'v': expected join keys \['item_id'\], found \['x'\]"):
        empty = table.drop_columns("item_id")
        online(store).write_columns(store.config, store.get_feature_view("v"), empty, np.array([0]), np.array([0]))
    assert keys(store) == set()


def test_rows_with_null_keys_are_left_out_and_counted(store, caplog):
    store.apply([ITEM, item_view([("x", Float32)])])
    store.write_to_online_store("v", frame(["a", None, None], x=[1.0, 2.0, 3.0]))
    assert "feature view 'v': 2 rows with a null key were not written" in caplog.text
    assert answer(store, ["v:x"], {"item_id": ["a"]})[0]["x"] == [1.0]


def test_views_of_many_keys_aliases_and_no_key_are_read_at_once(store):
    pair = item_view([("p", Float32)], "pair", entities=[ITEM])
    pair = FeatureView(
        name="pair", entities=[USER, ITEM], source=pair.batch_source,
        schema=[Field(name="user_id", dtype=Int64), *pair.entity_columns, *pair.features],
    )  # fmt: skip
    whole = FeatureView(
        name="whole", entities=[], schema=[Field(name="w", dtype=Array(Int64))],
        source=FileSource(name="w", path="w.parquet", timestamp_field="event_timestamp"),
    )  # fmt: skip
    store.apply([ITEM, USER, item_view([("x", Float32)]), pair, whole])
    store.write_to_online_store("v", frame(["a", "b"], x=[1.0, 2.0]))
    store.write_to_online_store("pair", frame(["a", "b"], user_id=[1, 1], p=[3.0, 4.0]))
    online(store).write_columns(store.config, whole_of(store), pa.table({"w": [[7, 8]]}), np.array([0]), np.array([0]))
    v = store.get_feature_view("v")
    service = FeatureService(
        name="s",
        features=[
            v.with_name("first"),
            v.with_name("other").with_join_key_map({"item_id": "other_id"}),
            store.get_feature_view("pair"),
        ],
    )
    store.apply(service)
    rows = {"item_id": ["a", "b", "b"], "other_id": ["b", None, "a"], "user_id": [1, 2, 1]}
    found, statuses = answer(store, store.get_feature_service("s"), rows, full_feature_names=True)
    assert (found["first__x"], found["other__x"], found["pair__p"]) == (
        [1.0, 2.0, 2.0],
        [2.0, None, 1.0],
        [3.0, None, 4.0],
    )
    assert statuses["pair__p"] == [PRESENT, NOT_FOUND, PRESENT]
    assert answer(store, ["whole:w", "v:x"], {"item_id": ["a", "b"]})[0]["w"] == [[7, 8], [7, 8]]


def whole_of(store):
    return store.get_feature_view("whole", allow_registry_cache=False)


def test_no_keys_read_as_no_rows(store):
    store.apply([ITEM, item_view([("x", Float32)])])
    read = (store.config, store.get_feature_view("v"), [], ["x"])
    assert online(store).online_read(*read) == asyncio.run(online(store).online_read_async(*read)) == []


def test_async_reads_and_writes_do_as_the_others(store, redis_server, tmp_path):
    store.apply([ITEM, item_view([("x", Float32), ("s", String)], ttl=HOUR)])

    async def both():
        await store.write_to_online_store_async("v", frame(["a", "b"], x=[1.5, None], s=["", "t"]))
        other = our_repo(tmp_path, redis_server)  # knows no layout yet
        await online(other).initialize(other.config)
        rows = {"item_id": ["a", "b", "c", None]}
        return await other.get_online_features_async(["v:x", "v:s"], entity_rows=rows)

    found = asyncio.run(both())
    assert (
        found.proto == store.get_online_features(["v:x", "v:s"], entity_rows={"item_id": ["a", "b", "c", None]}).proto
    )
    assert found.to_dict()["s"] == ["", "t", None, None]
