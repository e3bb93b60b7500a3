"""The reader's values are those of get_online_features: every type, missing, expired, of old layouts, aliased."""

import uuid
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pytest
from feast import FeatureService, Field
from feast.types import Array, Float32, Float64, Int64, String, from_feast_to_pyarrow_type
from feast_types import TYPES, arrow_array
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from reader_repo import NOW, assert_same, entity, store_at, view, write

from streamrank import clock
from streamrank.clock import DAY, VirtualClock
from streamrank.stores.reader import NOT_FOUND, OUTSIDE_MAX_AGE, PRESENT, OnlineReader

ITEM, USER = entity("item", "item_id"), entity("user", "user_id")


@pytest.fixture(scope="module")
def typed(tmp_path_factory, redis_server):
    """A store with a view of every type: `types`, features t0, t1, ..."""
    store = store_at(tmp_path_factory.mktemp("typed"), redis_server, "every_type")
    store.apply([ITEM, view("types", [ITEM], {f"t{at}": each.dtype for at, each in enumerate(TYPES)})])
    yield store
    store.teardown()


@settings(
    deadline=None,
    max_examples=4,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
@pytest.mark.parametrize("at", range(len(TYPES)), ids=[str(each) for each in TYPES])
def test_every_type_reads_as_get_online_features_reads_it(typed, at, data):
    name, each = f"t{at}", TYPES[at]
    values = data.draw(st.lists(st.none() | each.values, min_size=1, max_size=3))
    items = [uuid.uuid4().hex for _ in values]
    nothing = {f"t{other}": pa.nulls(len(items), TYPES[other].arrow) for other in range(len(TYPES))}
    with clock.use(VirtualClock(NOW)):
        write(typed, "types", {"item_id": items, **nothing, name: arrow_array(each, values)}, NOW)
        asked = {"item_id": [*items, "nobody", items[0]]}
        read = OnlineReader(typed, [f"types:{name}"]).read(asked)
        feast = typed.get_online_features([f"types:{name}"], asked).to_dict()
        assert_same(read, feast, sets=str(each).startswith("Set"))


def test_an_expired_row_reads_as_missing(online):
    online.apply(
        [ITEM, view("short", [ITEM], {"n": Float32, "word": String, "list": Array(Float32)}, timedelta(days=1))]
    )
    ages = [0, DAY, DAY + 1, 2 * DAY, 2 * DAY + 1]
    items = [f"i{number}" for number in range(5)]
    columns = {"item_id": items, "n": pa.array([1.0] * 5, pa.float32()), "word": ["w"] * 5, "list": [[1.0, 2.0]] * 5}
    with clock.use(VirtualClock(NOW - DAY)):
        write(
            online,
            "short",
            columns | {"list": pa.array(columns["list"], pa.list_(pa.float32()))},
            [NOW - age for age in ages],
        )
    service = ["short:n", "short:word", "short:list"]
    read = OnlineReader(online, service).read({"item_id": items})
    assert read.rows["short"].status.tolist() == [PRESENT, PRESENT, OUTSIDE_MAX_AGE, OUTSIDE_MAX_AGE, NOT_FOUND]
    assert read.rows["short"].event_us.tolist() == [NOW, NOW - DAY, NOW - DAY - 1, NOW - 2 * DAY, 0]
    assert np.isnan(read.blocks["list"]).all(axis=1).tolist() == [False, False, True, True, True]
    assert_same(read, online.get_online_features(service, {"item_id": items}).to_dict())
    later = OnlineReader(online, service).read({"item_id": items[:2]}, at_us=NOW + 1)
    assert later.rows["short"].status.tolist() == [PRESENT, OUTSIDE_MAX_AGE]


def test_old_layouts_are_read_by_name_and_a_retyped_feature_is_missing(online):
    online.apply([ITEM, view("changing", [ITEM], {"a": Float32, "b": Float32, "c": Int64})])
    write(
        online,
        "changing",
        {"item_id": ["old"], "a": pa.array([1.0], pa.float32()), "b": pa.array([2.0], pa.float32()), "c": [3]},
        NOW,
    )
    online.apply([ITEM, view("changing", [ITEM], {"c": Float64, "b": Float32, "d": Float32, "a": Float32})])
    names = ["changing:a", "changing:b", "changing:c", "changing:d"]
    first = OnlineReader(online, names).read({"item_id": ["old"]})
    assert np.nan_to_num(first.matrix, nan=-1).tolist() == [[1, 2, -1, -1]]
    singles = {name: pa.array([value], pa.float32()) for name, value in (("a", 7.0), ("b", None), ("d", 9.0))}
    write(online, "changing", {"item_id": ["new"], "c": [8.0], **singles}, NOW)
    asked = {"item_id": ["new", "old", "nobody"]}
    read = OnlineReader(online, names).read(asked)
    assert np.nan_to_num(read.matrix, nan=-1).tolist() == [[7, -1, 8, 9], [1, 2, -1, -1], [-1, -1, -1, -1]]
    assert_same(read, online.get_online_features(names, asked).to_dict())


def test_an_alias_and_renamed_keys_read_two_rows_of_one_view(online):
    stored = view("stored", [USER], {"age": Int64})
    pair = FeatureService(
        name="pair",
        features=[
            stored.with_name("viewer").with_join_key_map({"user_id": "viewer_id"}),
            stored.with_name("host").with_join_key_map({"user_id": "host_id"}),
        ],
    )
    online.apply([USER, stored, pair])
    write(online, "stored", {"user_id": ["u", "h"], "age": [20, 30]}, NOW)
    read = OnlineReader(online, "pair", full_feature_names=True).read({"viewer_id": "u", "host_id": ["h", "u"]})
    assert read.names == ("viewer__age", "host__age")
    assert read.matrix.tolist() == [[20, 30], [20, 20]]
    assert read.rows.keys() == {"viewer", "host"}
    with pytest.raises(ValueError, match="have the same name 'age': rename one, or set full_feature_names=True"):
        OnlineReader(online, "pair")


def test_a_version_of_a_view_is_read_by_its_number(tmp_path, redis_server):
    name = f"versions_{uuid.uuid4().hex}"
    store = store_at(tmp_path, redis_server, name, enable_online_feature_view_versioning=True)
    with clock.use(VirtualClock(NOW)):
        for version, kind in enumerate((Float32, Int64)):
            store.apply([ITEM, view("changing", [ITEM], {"n": kind})])
            write(
                store,
                "changing",
                {"item_id": ["a"], "n": pa.array([version + 1], from_feast_to_pyarrow_type(kind))},
                NOW,
            )
        names = ["changing@v0:n", "changing@v1:n", "changing:n"]
        read = OnlineReader(store, names, full_feature_names=True).read({"item_id": ["a", "b"]})
    store.teardown()
    assert read.names == ("changing@v0__n", "changing@v1__n", "changing__n")
    assert np.nan_to_num(read.matrix, nan=-1).tolist() == [[1, 2, 2], [-1, -1, -1]]


def test_vectors_are_blocks_and_lists_of_several_lengths_are_columns(online):
    fields = {"vector": Array(Float32), "ragged": Array(Int64), "word": String}
    online.apply([ITEM, view("vectors", [ITEM], fields)])
    columns = {
        "item_id": ["a", "b", "c"], "vector": pa.array([[1, 2], None, [3, 4]], pa.list_(pa.float32())),
        "ragged": [[1], [2, 3], []], "word": ["x", None, "z"],
    }  # fmt: skip
    write(online, "vectors", columns, NOW)
    read = OnlineReader(online, [f"vectors:{name}" for name in fields]).read({"item_id": ["c", "a", "b", "lost"]})
    assert read.matrix.shape == (4, 0)
    assert np.nan_to_num(read.blocks["vector"], nan=-1).tolist() == [[3, 4], [1, 2], [-1, -1], [-1, -1]]
    assert read.columns["ragged"].to_pylist() == [[], [1], [2, 3], None]
    assert read.columns["word"].to_pylist() == ["z", "x", None, None]


def test_a_vector_of_another_length_than_declared_is_refused(online):
    declared = Field(name="vector", dtype=Array(Float32), vector_index=True, vector_length=3)
    online.apply([ITEM, view("vectors", [ITEM], {"vector": declared})])
    write(online, "vectors", {"item_id": ["a"], "vector": pa.array([[1, 2]], pa.list_(pa.float32()))}, NOW)
    reader = OnlineReader(online, ["vectors:vector"])
    assert reader.read({"item_id": ["b"]}).blocks["vector"].shape == (1, 3)
    with pytest.raises(ValueError, match=r"vectors:vector: expected vectors of the declared length 3, found \[2\]"):
        reader.read({"item_id": ["a"]})
