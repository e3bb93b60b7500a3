"""Services, on-demand views, versions, projects, expiry and corrupt values, on a real server."""

import warnings
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest
import redis
from feast import FeatureService, Field, RequestSource
from feast.on_demand_feature_view import on_demand_feature_view
from feast.protos.feast.types.EntityKey_pb2 import EntityKey
from feast.protos.feast.types.Value_pb2 import Value
from feast.types import Float32, Float64, Int64
from online_repos import ITEM, NOW, answer, frame, item_view, keys, online, our_repo

from streamrank import clock
from streamrank.stores.packing.errors import CorruptValue

HOUR = timedelta(hours=1)


@pytest.fixture
def at():
    with clock.use(clock.VirtualClock(clock.microseconds(NOW))) as now:
        yield now


@pytest.fixture
def store(tmp_path, redis_server, at):
    store = our_repo(tmp_path, redis_server)
    yield store
    online(store).teardown(store.config, [], [])


def test_a_service_with_precomputed_vectors_just_reads(store):
    view = item_view([("x", Float32)])
    store.apply([ITEM, view, FeatureService(name="s", features=[view], precompute_online=True)])
    store.write_to_online_store("v", frame(["a"], x=[1.0]))
    service = store.get_feature_service("s")
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="The FeatureService object")
        assert answer(store, service, {"item_id": ["a"]})[0]["x"] == [1.0]
    entity = EntityKey(join_keys=["item_id"], entity_values=[Value(string_val="a")])
    online(store).write_precomputed_vector(store.config, "s", "shop", entity, b"vector")
    asked = [entity, EntityKey(join_keys=["item_id"], entity_values=[Value(string_val="b")])]
    assert online(store).read_precomputed_vectors(store.config, "s", "shop", asked) == [b"vector", None]


def test_an_on_demand_view_that_is_written_is_read_as_any_other(store):
    view = item_view([("x", Float32)])

    @on_demand_feature_view(
        entities=[ITEM], sources=[view], schema=[Field(name="double", dtype=Float64)], mode="pandas",
        write_to_online_store=True,
    )  # fmt: skip
    def doubled(inputs: pd.DataFrame) -> pd.DataFrame:
        return pd.DataFrame({"double": inputs["x"] * 2})

    store.apply([ITEM, view, doubled])
    store.write_to_online_store("doubled", frame(["a"], x=[1.5]))
    assert answer(store, ["doubled:double"], {"item_id": ["a", "b"]})[0]["double"] == [3.0, None]


def test_a_derived_feature_is_computed_from_what_is_read(store):
    view, request = item_view([("x", Float32)]), RequestSource(name="r", schema=[Field(name="by", dtype=Float32)])

    @on_demand_feature_view(sources=[view, request], schema=[Field(name="scaled", dtype=Float64)], mode="pandas")
    def derived(inputs: pd.DataFrame) -> pd.DataFrame:
        return pd.DataFrame({"scaled": inputs["x"] * inputs["by"]})

    store.apply([ITEM, view, derived])
    store.write_to_online_store("v", frame(["a"], x=[1.5]))
    assert answer(store, ["derived:scaled"], {"item_id": ["a"], "by": [2.0]})[0]["scaled"] == [3.0]


def test_a_view_s_versions_live_side_by_side_and_are_deleted_together(tmp_path, redis_server, at):
    store = our_repo(tmp_path, redis_server, versioning=True)
    store.apply([ITEM, item_view([("x", Float32)])])
    store.write_to_online_store("v", frame(["a"], x=[1.0]))
    store.apply([ITEM, item_view([("x", Float32), ("y", Float32)])])
    store.write_to_online_store("v", frame(["a"], x=[2.0], y=[3.0]))
    store.apply([item_view([("x", Float32)], "v_1"), item_view([("x", Float32)], "v2")])
    store.write_to_online_store("v_1", frame(["a"], x=[4.0]))
    assert answer(store, ["v@v0:x"], {"item_id": ["a"]})[0] == {"item_id": ["a"], "x": [1.0]}
    assert answer(store, ["v@v1:x", "v@v1:y"], {"item_id": ["a"]})[0] == {"item_id": ["a"], "x": [2.0], "y": [3.0]}
    store.apply([], objects_to_delete=[store.get_feature_view("v")], partial=False)
    assert {key.split(b":")[2].split(b"!")[0] for key in keys(store)} == {b"v_1"}
    store.teardown()
    assert keys(store) == set()


def test_projects_with_alike_names_never_meet(tmp_path, redis_server, at):
    stores = [our_repo(tmp_path, redis_server, project) for project in ("shop", "shop2", "shop_v")]
    for number, store in enumerate(stores):
        store.apply([ITEM, item_view([("n", Int64)])])
        store.write_to_online_store("v", frame(["a"], n=[number]))
    assert [answer(store, ["v:n"], {"item_id": ["a"]})[0]["n"] for store in stores] == [[0], [1], [2]]
    stores[0].teardown()
    assert keys(stores[0]) == set()
    assert [answer(store, ["v:n"], {"item_id": ["a"]})[0]["n"] for store in stores[1:]] == [[1], [2]]
    for store in stores[1:]:
        store.teardown()


def test_the_server_drops_a_row_at_twice_its_ttl_under_the_wall_clock_only(store, redis_server):
    store.apply([ITEM, item_view([("x", Float32)], ttl=HOUR)])
    view = store.get_feature_view("v")
    packed = online(store).packed_view(store.config, view)
    key = packed.keys({"item_id": ["a"]})[0].as_py()
    with redis.Redis.from_url(redis_server) as client:
        store.write_to_online_store("v", frame(["a"], x=[1.0]))
        assert client.pttl(key) == -1
        with clock.use(clock.WallClock()):
            event = datetime.now(UTC) - HOUR
            store.write_to_online_store("v", frame(["a"], event, x=[1.0]))
            assert 3_590_000 < client.pttl(key) <= 3_600_001


def test_a_corrupt_value_names_view_key_and_remedy(store, redis_server):
    store.apply([ITEM, item_view([("x", Float32)])])
    store.write_to_online_store("v", frame(["a"], x=[1.0]))
    packed = online(store).packed_view(store.config, store.get_feature_view("v"))
    with redis.Redis.from_url(redis_server) as client:
        client.set(packed.keys({"item_id": ["b"]})[0].as_py(), b"x" * 30)
    with pytest.raises(CorruptValue, match=r"'v', key b'streamrank:shop:v:s.*b': unknown layout.*materialize"):
        store.get_online_features(["v:x"], entity_rows={"item_id": ["a", "b"]})
