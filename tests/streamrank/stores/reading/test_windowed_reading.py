"""Windowed views through the reader: the same bytes finished at the request's instant, in one round trip with rows."""

import asyncio
import inspect
import logging
import threading

import numpy as np
import pyarrow as pa
import pytest
import redis
from feast import FeatureService, Field, OnDemandFeatureView, RequestSource
from feast.types import Float32, Float64, Int64, String
from reader_repo import NOW, assert_same, entity, view, write
from windowed_repo import FUNCTIONS, GAUGE, MINUTE, events, fill, filled, point, server, view_of, windowed

from streamrank import clock
from streamrank.clock import SECOND, VirtualClock
from streamrank.derived import COLUMNWISE
from streamrank.events.shards import NEVER, SHARDS
from streamrank.paths import through
from streamrank.stores.packing.keys import component, entity_keys, generation_prefix, pointer_key
from streamrank.stores.reader import OnlineReader
from streamrank.windows.finishing import applied, finish

ITEM, USER = entity("item", "item_id"), entity("user", "user_id")
MAKER = entity("maker", "maker_id", tags=through("items", "made_by"))
ALL = [f"live:{each.name}" for each in FUNCTIONS]
NAMES = [each.name for each in FUNCTIONS]


def calls(url: str, command: str) -> int:
    with redis.Redis.from_url(url) as client:
        return client.info("commandstats").get(f"cmdstat_{command}", {"calls": 0})["calls"]


def random_events(rows: int, seed: int = 3) -> pa.Table:
    rng = np.random.default_rng(seed)
    items = [f"i{item}" for item in rng.integers(0, 40, rows)]
    ages = rng.integers(0, 90 * MINUTE, rows)
    watch = pa.array(rng.integers(-9, 999, rows), mask=rng.random(rows) < 0.3)
    return events(ages, watch, shards=rng.integers(0, SHARDS, rows).tolist(), item_id=items)


def stored(store, name: str, generation: bytes, items: list[str]) -> pa.LargeBinaryArray:
    prefix = generation_prefix(store.project, name, generation)
    keys = entity_keys(prefix, [component("item_id", String, items)], len(items)).to_pylist()
    return pa.array(server(store).mget(keys), pa.large_binary())


def test_values_are_those_bytes_finished_at_the_requests_instant(online):
    online.apply([ITEM, windowed("live", [ITEM])])
    generation = fill(online, "live", random_events(3_000))
    point(online, "live", generation)
    items = [f"i{item}" for item in range(45)]
    values, reader = stored(online, "live", generation, items), OnlineReader(online, ALL)
    for later in (0, 1, MINUTE, 7 * MINUTE, 61 * MINUTE):
        read = reader.read({"item_id": items}, at_us=NOW + later)
        assert np.array_equal(read.matrix, finish(view_of(online, "live"), values, NAMES, NOW + later), equal_nan=True)
    assert np.array_equal(read.windows["live"], applied(values))
    assert reader.windowed_views == ("live",) and reader.views == ()
    assert not read.rows


def test_a_key_never_seen_reads_as_an_empty_one_and_no_key_as_missing(online):
    online.apply([ITEM, windowed("live", [ITEM])])
    filled(online, "live", events([MINUTE, 3 * MINUTE], [5, None], item_id=["a", "a"]))
    read = OnlineReader(online, ALL).read({"item_id": ["a", "never", None]})
    nan = np.nan
    expected = [[2, 2, 5, 5, 5, 5, 5], [0, 0, 0, nan, nan, nan, nan], [nan] * 7]
    assert np.array_equal(read.matrix, np.array(expected, np.float32), equal_nan=True)
    assert (read.windows["live"] == NEVER).sum(axis=1).tolist() == [SHARDS - 1, SHARDS, SHARDS]


def test_a_view_that_is_not_filled_is_missing_and_said_once(online, caplog):
    online.apply([ITEM, windowed("live", [ITEM])])
    reader = OnlineReader(online, ALL)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            read = reader.read({"item_id": ["a", "b"]})
    assert np.isnan(read.matrix).all() and not read.windows
    said = [record.getMessage() for record in caplog.records if "'live'" in record.getMessage()]
    assert len(said) == 1 and "streamrank stream" in said[0]
    filled(online, "live", events([0], [5], item_id=["a"]))
    assert reader.read({"item_id": ["a"]}).matrix[0, 0] == 1


def test_rows_windows_and_pointers_are_one_round_trip(online, redis_server):
    online.apply([
        ITEM, USER, MAKER, view("items", [ITEM], {"made_by": String, "year": Float32}), windowed("live", [ITEM]),
        windowed("makers", [MAKER], GAUGE), windowed("pairs", [USER, MAKER], FUNCTIONS[:1]),
    ])  # fmt: skip
    write(online, "items", {"item_id": ["a", "b"], "made_by": ["m", None], "year": [1.0, 2.0]}, NOW)
    filled(online, "live", events([0], [5], item_id=["a"]))
    filled(online, "makers", events([0, 0, 0], step=[1, 1, -1], maker_id=["m"] * 3))
    filled(online, "pairs", events([0], user_id=["u"], maker_id=["m"]))
    reader = OnlineReader(online, ["items:year", "live:views_10m", "makers:viewers", "pairs:views_10m"], True)
    read, before = reader.read({"user_id": "u", "item_id": ["a", "b", "c"]}), calls(redis_server, "mget")
    again = reader.read({"user_id": "u", "item_id": ["a", "b", "c"]})
    assert calls(redis_server, "mget") == before + 1
    nan = np.nan
    expected = np.array([[1, 1, 1, 1], [2, 0, nan, nan], [nan, 0, nan, nan]], np.float32)
    assert np.array_equal(read.matrix, expected, equal_nan=True)
    assert np.array_equal(again.matrix, expected, equal_nan=True)
    assert read.keys["maker_id"].to_pylist() == ["m", None, None] and reader.reached == ("maker_id",)
    assert set(read.windows) == {"live", "makers", "pairs"} and set(read.rows) == {"items"}
    some = read.at(np.array([2, 0]))
    assert some.keys["maker_id"].to_pylist() == [None, "m"]
    assert all(np.array_equal(some.windows[label], read.windows[label][[2, 0]]) for label in read.windows)
    assert some.rows["items"].event_us.tolist() == [0, NOW]


def test_a_pointer_that_moved_is_read_again(online, redis_server):
    online.apply([ITEM, windowed("live", [ITEM])])
    filled(online, "live", events([0], [5], item_id=["a"]))
    reader = OnlineReader(online, ALL)
    assert reader.read({"item_id": ["a"]}).matrix[0, 0] == 1
    point(online, "live", fill(online, "live", events([0, 0], [5, 6], item_id=["a", "a"]), number=2))
    before = calls(redis_server, "mget")
    assert reader.read({"item_id": ["a"]}).matrix[0, 0] == 2
    assert calls(redis_server, "mget") == before + 2


def test_a_changed_aggregation_never_reads_tiles_of_the_old_one(online):
    online.apply([ITEM, windowed("live", [ITEM])])
    filled(online, "live", events([0], [5], item_id=["a"]))
    online.apply([ITEM, windowed("live", [ITEM], FUNCTIONS[:2])])
    assert np.isnan(OnlineReader(online, ALL[:2]).read({"item_id": ["a"]}).matrix).all()


def test_readers_never_see_two_generations_in_one_answer(online):
    """Generation n says n of every item; there are more of them than one command asks for."""
    online.apply([ITEM, windowed("live", [ITEM], FUNCTIONS[:1])])
    items = [f"i{item}" for item in range(1_500)]
    generations = [
        fill(online, "live", events([0] * len(items) * number, item_id=items * number), number) for number in (1, 2, 3)
    ]
    point(online, "live", generations[0])
    reader, stop, seen = OnlineReader(online, ["live:views_10m"]), threading.Event(), []

    def ask() -> None:
        while not stop.is_set():
            seen.append(np.unique(reader.read({"item_id": items}).matrix))

    askers = [threading.Thread(target=ask) for _ in range(3)]
    [asker.start() for asker in askers]
    pointer = pointer_key(online.project, "live", view_of(online, "live").fingerprint)
    with server(online) as client:
        while len(seen) < 100:
            client.set(pointer, generations[len(seen) % 3])
    stop.set()
    [asker.join() for asker in askers]
    assert {tuple(values) for values in seen} == {(1,), (2,), (3,)}


def rising(columns):
    import numpy as np

    given = {name: np.asarray(values, float) for name, values in columns.items()}
    made = {"rise": given["views_10m"] - given["views_1h"] / 6, "age": given["request_time"] - given["watch_1h"]}
    return {name: values.tolist() if isinstance(columns["views_1h"], list) else values for name, values in made.items()}


def test_derived_features_take_windows_as_inputs(online):
    asked = RequestSource(name="request", schema=[Field(name="request_time", dtype=Int64)])
    live = windowed("live", [ITEM], types={"views_10m": Int64})
    made = OnDemandFeatureView(
        name="rises", sources=[asked, live[["views_10m", "views_1h"]], view("items", [ITEM], {"watch_1h": Float32})],
        schema=[Field(name="rise", dtype=Float64), Field(name="age", dtype=Float64)], mode="python", udf=rising,
        udf_string=inspect.getsource(rising), tags=COLUMNWISE,
    )  # fmt: skip
    online.apply([ITEM, live, view("items", [ITEM], {"watch_1h": Float32}), made])
    online.apply(FeatureService(name="both", features=[live[["views_1h"]], made]))
    write(online, "items", {"item_id": ["a"], "watch_1h": [3.0]}, NOW)
    filled(online, "live", events([0, 30 * MINUTE, 31 * MINUTE], item_id=["a"] * 3))
    read = OnlineReader(online, "both").read({"item_id": ["a", "b"]}, {"request_time": 10})
    assert np.array_equal(read.matrix, np.array([[3, 0.5, 7], [0, 0, np.nan]], np.float32), equal_nan=True)


@pytest.mark.parametrize("dtype", [Float32, Int64])
def test_feast_reads_the_same_values_now(online, dtype):
    aggregations = FUNCTIONS if dtype == Float32 else (*FUNCTIONS[:3], *GAUGE)
    online.apply([ITEM, windowed("live", [ITEM], aggregations, dtype), view("items", [ITEM], {"year": Float32})])
    filled(online, "live", random_events(500))
    write(online, "items", {"item_id": ["i1"], "year": [1.0]}, NOW)
    references = ["items:year", *(f"live:{each.name}" for each in aggregations)]
    keys, reader = {"item_id": ["i1", "never", "i1", "i7", None]}, OnlineReader(online, references)
    for later in (0, 13 * MINUTE):
        with clock.use(VirtualClock(NOW + later)):
            read, feast = reader.read(keys), online.get_online_features(references, entity_rows=keys).to_dict()
            other = asyncio.run(online.get_online_features_async(references, entity_rows=keys)).to_dict()
            assert_same(asyncio.run(reader.read_async(keys)), feast)
            assert_same(read, {name: values for name, values in feast.items() if name != "item_id"})
            assert feast == other


def test_online_read_gives_windows_as_rows_of_this_instant(online):
    from feast.protos.feast.types.EntityKey_pb2 import EntityKey
    from feast.protos.feast.types.Value_pb2 import Value

    online.apply([ITEM, windowed("live", [ITEM], types={"views_10m": Int64})])
    part, table = online._get_provider().online_store, online.get_stream_feature_view("live")
    asked = [EntityKey(join_keys=["item_id"], entity_values=[Value(string_val=item)]) for item in ("a", "never")]
    assert part.online_read(online.config, table, asked) == [(None, None)] * 2
    filled(online, "live", events([SECOND], [5], item_id=["a"]))
    (moment, known), (_, never) = part.online_read(online.config, table, asked)
    assert clock.microseconds(moment) == NOW
    assert known["views_10m"].int64_val == 1 and known["watch_mean_1h"].float_val == 5
    assert never["views_10m"].int64_val == 0 and never["watch_mean_1h"].WhichOneof("val") is None
    assert asyncio.run(part.online_read_async(online.config, table, asked, ["views_10m"]))[0][1].keys() == {"views_10m"}
