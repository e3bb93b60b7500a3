"""The reader: one round trip for all views, keys reached through items, and what it refuses."""

import asyncio
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pytest
import redis
from feast import FeatureService, FeatureStore, Field, OnDemandFeatureView, RequestSource
from feast.types import Array, Float32, Int64, String
from reader_repo import NOW, entity, store_at, view, write

from streamrank import clock
from streamrank.clock import DAY, SECOND, VirtualClock
from streamrank.paths import PathError, through
from streamrank.stores.reader import NOT_FOUND, PRESENT, OnlineReader

USER, ITEM = entity("user", "user_id"), entity("item", "item_id")
CREATOR = entity("creator", "creator_id", tags=through("attributes", "made_by"))
TOPIC = entity("topic", "topic", tags=through("attributes", "topics"))
KEYS = {"made_by": String, "topics": Array(String), "year": Int64}
SERVICE = ["items:views", "users:age", "creators:fame", "topics:heat", "pairs:liked"]


@pytest.fixture
def shop(online) -> FeatureStore:
    """Two users, items i1 (creator c1, topics t1 and t2), i2 (c2, no topics), bare (nothing known), and no `lost`."""
    number = {"views": Float32}
    online.apply([
        USER, ITEM, CREATOR, TOPIC,
        view("attributes", [ITEM], KEYS, timedelta(days=30)), view("items", [ITEM], number),
        view("users", [USER], {"age": Float32}), view("creators", [CREATOR], {"fame": Float32}),
        view("topics", [TOPIC], {"heat": Float32}), view("pairs", [USER, CREATOR], {"liked": Float32}),
    ])  # fmt: skip
    known(online, i1=("c1", ["t1", "t2"]), i2=("c2", []), bare=(None, None))
    floats(online, "items", {"item_id": ["i1", "i2", "bare"]}, views=[1, 2, 3])
    floats(online, "users", {"user_id": ["u1", "u2"]}, age=[20, 30])
    floats(online, "creators", {"creator_id": ["c1", "c2", "c3"]}, fame=[10, 20, 30])
    floats(online, "topics", {"topic": ["t1", "t2"]}, heat=[5, 6])
    floats(online, "pairs", {"user_id": ["u1", "u1"], "creator_id": ["c1", "c3"]}, liked=[100, 300])
    return online


def known(store: FeatureStore, at_us: int = NOW, **items) -> None:
    """Writes the attributes of items, name=(creator, topics)."""
    columns = {
        "item_id": [*items], "made_by": pa.array([creator for creator, _ in items.values()], pa.string()),
        "topics": pa.array([topics for _, topics in items.values()], pa.list_(pa.string())),
        "year": pa.array([None] * len(items), pa.int64()),
    }  # fmt: skip
    write(store, "attributes", columns, at_us)


def floats(store: FeatureStore, name: str, keys: dict, **features) -> None:
    write(store, name, keys | {name: pa.array(values, pa.float32()) for name, values in features.items()}, NOW)


def rows(read) -> list[list[float]]:
    """The matrix with -1 for what is missing."""
    return np.nan_to_num(read.matrix, nan=-1).tolist()


def calls(server: str, command: str) -> int:
    with redis.Redis.from_url(server) as client:
        return client.info("commandstats").get(f"cmdstat_{command}", {"calls": 0})["calls"]


EXPECTED = [[1, 20, 10, 5, 100], [2, 20, 20, -1, -1], [3, 20, -1, -1, -1], [-1, 20, -1, -1, -1]]
ITEMS = ["i1", "i2", "bare", "lost"]


def test_keys_are_reached_through_the_items(shop):
    read = OnlineReader(shop, SERVICE).read({"user_id": "u1", "item_id": ITEMS})
    assert rows(read) == EXPECTED
    assert read.matrix.dtype == np.float32
    assert read.names == ("views", "age", "fame", "heat", "liked")
    assert read.rows["creators"].status.tolist() == [PRESENT, PRESENT, NOT_FOUND, NOT_FOUND]
    assert read.rows["users"].event_us.tolist() == [NOW] * 4
    assert read.rows["pairs"].created_us.tolist() == [NOW, 0, 0, 0]


def test_given_keys_win_and_columns_come_in_any_form(shop):
    reader = OnlineReader(shop, SERVICE)
    given = {"user_id": ["u1", "u2"], "item_id": np.array(["i1", "i1"], object), "creator_id": pa.array(["c3", None])}
    assert rows(reader.read(given)) == [[1, 20, 30, 5, 300], [1, 30, -1, 5, -1]]
    alone = reader.read({"user_id": "u1", "creator_id": "c3", "topic": "t2", "item_id": None})
    assert rows(alone) == [[-1, 20, 30, 6, 300]]


def test_all_views_are_read_in_one_round_trip_once_the_items_are_known(shop, redis_server):
    reader = OnlineReader(shop, SERVICE)
    asked = {"user_id": "u1", "item_id": ITEMS}
    before = calls(redis_server, "mget")
    reader.read(asked)
    assert calls(redis_server, "mget") == before + 2
    reader.read(asked)
    reader.read({"user_id": "u2", "item_id": ["lost", "i1"]})
    assert calls(redis_server, "mget") == before + 4
    reader.read({"user_id": "u1", "item_id": [*ITEMS, "new"]})
    assert calls(redis_server, "mget") == before + 6


def test_what_is_held_of_an_item_is_read_anew_after_a_minute(shop):
    reader = OnlineReader(shop, SERVICE)
    asked = {"user_id": "u1", "item_id": ["i1", "lost"]}
    reader.read(asked)
    known(shop, NOW + 1, i1=("c2", ["t2"]), lost=("c3", ["t1"]))
    with clock.use(VirtualClock(NOW + 2 * SECOND)):
        assert rows(reader.read(asked)) == [[1, 20, 10, 5, 100], [-1, 20, -1, -1, -1]]
    with clock.use(VirtualClock(NOW + 2 * SECOND + 1)):  # that an item is unknown is not believed for long
        assert rows(reader.read(asked)) == [[1, 20, 10, 5, 100], [-1, 20, 30, 5, 300]]
    with clock.use(VirtualClock(NOW + 60 * SECOND)):
        assert rows(reader.read(asked)) == [[1, 20, 10, 5, 100], [-1, 20, 30, 5, 300]]
    with clock.use(VirtualClock(NOW + 60 * SECOND + 1)):
        assert rows(reader.read(asked)) == [[1, 20, 20, 6, -1], [-1, 20, 30, 5, 300]]


def test_what_is_held_ahead_is_not_read_by_a_request_and_is_read_anew_after_half_a_minute(shop, redis_server):
    reader, asked = OnlineReader(shop, SERVICE), {"user_id": "u1", "item_id": ["i1", "lost"]}
    reader.hold({"item_id": asked["item_id"]})
    reader.hold({"user_id": "u1"})  # which leads nowhere
    before = calls(redis_server, "mget")
    assert rows(reader.read(asked)) == [[1, 20, 10, 5, 100], [-1, 20, -1, -1, -1]]
    assert calls(redis_server, "mget") == before + 1
    known(shop, NOW + 1, i1=("c2", ["t2"]))
    for later, found in ((30 * SECOND, [1, 20, 10, 5, 100]), (30 * SECOND + 1, [1, 20, 20, 6, -1])):
        with clock.use(VirtualClock(NOW + later)):
            reader.hold({"item_id": ["i1"]})
            assert rows(reader.read(asked))[0] == found


def test_an_expired_attribute_leads_nowhere(shop):
    reader = OnlineReader(shop, SERVICE)
    asked = {"user_id": "u1", "item_id": "i1"}
    assert rows(reader.read(asked, at_us=NOW + 30 * DAY)) == [[1, 20, 10, 5, 100]]
    assert rows(reader.read(asked, at_us=NOW + 30 * DAY + 1)) == [[1, 20, -1, -1, -1]]


def test_no_more_items_are_held_than_allowed(shop):
    reader = OnlineReader(shop, SERVICE, held_items=2)
    for _ in range(3):
        assert rows(reader.read({"user_id": "u1", "item_id": ITEMS})) == EXPECTED
        assert rows(reader.read({"user_id": "u1", "item_id": ITEMS[:2]})) == EXPECTED[:2]
        assert len(reader._held["attributes"]) <= len(ITEMS)


def test_a_path_may_lead_through_another(online):
    studio = entity("studio", "studio_id", tags=through("makers", "studio"))
    online.apply([
        ITEM, CREATOR, studio, view("attributes", [ITEM], KEYS), view("makers", [CREATOR], {"studio": String}),
        view("studios", [studio], {"size": Float32}),
    ])  # fmt: skip
    known(online, i1=("c1", []))
    write(online, "makers", {"creator_id": ["c1"], "studio": ["s1"]}, NOW)
    floats(online, "studios", {"studio_id": ["s1"]}, size=[7])
    assert rows(OnlineReader(online, ["studios:size"]).read({"item_id": ["i1", "i1", "i2"]})) == [[7], [7], [-1]]


def test_read_async_gives_the_same(shop):
    reader = OnlineReader(shop, SERVICE)

    async def several():
        asked = [reader.read_async({"user_id": user, "item_id": ITEMS}) for user in ("u1", "u2", "u1")]
        return await asyncio.gather(*asked)

    first, second, third = asyncio.run(several())
    assert rows(first) == rows(third) == EXPECTED
    assert rows(second) == rows(reader.read({"user_id": "u2", "item_id": ITEMS}))


def test_read_async_reads_old_layouts(shop):
    shop.apply([view("items", [ITEM], {"likes": Float32, "views": Float32})])
    reader = OnlineReader(shop, ["items:likes", "items:views"])
    assert rows(asyncio.run(reader.read_async({"item_id": ["i2"]}))) == [[-1, 2]]


def test_a_service_a_view_without_entities_and_no_rows(shop):
    everywhere = view("everywhere", [], {"load": Float32})
    shop.apply([everywhere, FeatureService(name="both", features=[everywhere, shop.get_feature_view("items")])])
    floats(shop, "everywhere", {"place": ["all"]}, load=[0.5])
    reader = OnlineReader(shop, "both")
    assert rows(reader.read({"item_id": ["i1", "lost"]})) == [[0.5, 1], [0.5, -1]]
    empty = reader.read({"item_id": []})
    assert empty.matrix.shape == (0, 2)
    assert len(empty.rows["items"].status) == 0


def test_the_past_is_refused(shop):
    reader = OnlineReader(shop, SERVICE)
    asked = {"user_id": "u1", "item_id": "i1"}
    assert rows(reader.read(asked, at_us=NOW - 5 * SECOND)) == EXPECTED[:1]
    with pytest.raises(ValueError, match="holds the present only; get_historical_features"):
        reader.read(asked, at_us=NOW - 5 * SECOND - 1)


@pytest.mark.parametrize(
    ("keys", "complaint"),
    [
        ({"user_id": "u1"}, r"'attributes' is keyed by \['item_id'\]: \['item_id'\] missing, given are \['user_id'\]"),
        ({"item_id": "i1"}, r"'users' is keyed by \['user_id'\]: \['user_id'\] missing"),
        ({"user_id": ["u1", "u2"], "item_id": ["i1"]}, r"one length.*'user_id': 2, 'item_id': 1"),
        (
            {"user_id": "u1", "item_id": [["i1"]]},
            "join key 'item_id': expected text, integers, bytes or times, found list<item: string>",
        ),
        ({"user_id": "u1", "item_id": [1, "a"]}, "'item_id': expected values of one type"),
    ],
)
def test_keys_that_do_not_fit_are_named(shop, keys, complaint):
    with pytest.raises(ValueError, match=complaint):
        OnlineReader(shop, SERVICE).read(keys)


def test_a_missing_or_unfit_field_of_the_request_is_named(shop):
    asked = RequestSource(name="asked", schema=[Field(name="request_time", dtype=Int64)])
    age = OnDemandFeatureView(
        name="age", sources=[asked], schema=[Field(name="hour", dtype=Int64)], mode="python",
        udf=lambda inputs: {"hour": [time // 3_600 for time in inputs["request_time"]]},
        udf_string="def age(inputs): return {'hour': [time // 3_600 for time in inputs['request_time']]}",
    )  # fmt: skip
    shop.apply([age])
    reader = OnlineReader(shop, ["items:views", "age:hour"])
    assert rows(reader.read({"item_id": ["i1", "i2"]}, {"request_time": 7_200})) == [[1, 2], [2, 2]]
    with pytest.raises(ValueError, match=r"\['request_time'\] missing; pass request=\{'request_time': ...\}"):
        reader.read({"item_id": "i1"})
    with pytest.raises(ValueError, match="request field 'request_time': expected int64, found string"):
        reader.read({"item_id": "i1"}, {"request_time": "noon"})


def test_what_is_not_registered_is_named(shop):
    with pytest.raises(ValueError, match=r"'nothing' is not registered in project 'project_.*which has \[\]"):
        OnlineReader(shop, "nothing")
    with pytest.raises(ValueError, match="'items' has no feature 'likes'"):
        OnlineReader(shop, ["items:likes"])


def test_a_path_that_leads_nowhere_or_in_a_circle_is_refused(online):
    lost = entity("lost", "lost_id", tags=through("nowhere", "x"))
    self_made = entity("circle", "circle_id", tags=through("circles", "next"))
    online.apply([lost, self_made, view("a", [lost], {"n": Int64}), view("circles", [self_made], {"next": String})])
    with pytest.raises(PathError, match="'lost_id' is reached through nowhere, which is not registered"):
        OnlineReader(online, ["a:n"])
    with pytest.raises(PathError, match="circle_id through circle_id"):
        OnlineReader(online, ["circles:next"])


def test_another_online_store_is_refused(tmp_path, redis_server):
    store = store_at(tmp_path, redis_server, "other")
    store.config.online_config = {"type": "sqlite", "path": str(tmp_path / "online.db")}
    store.config._online_store = None
    with pytest.raises(ValueError, match="has online store SqliteOnlineStore"):
        OnlineReader(store, "nothing")
