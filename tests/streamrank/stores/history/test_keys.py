"""How entity rows find a view's rows."""

from pathlib import Path

import pyarrow as pa
import pytest
from feast import Entity, FeatureService, ValueType
from feast.types import Float32, Int64
from feast_histories import at, feature_store, file_source, one_view, user, view, write

from streamrank.stores.history.errors import HistoryError


def answers(store, keys: pa.Array | list, times: list | None = None) -> list:
    asked = pa.table({"user_id": keys, "event_timestamp": times or [at(9)] * len(keys)})
    return store.get_historical_features(asked, ["stats:f"]).to_arrow()["f"].to_pylist()


def keyed(folder: Path, keys: pa.Array | list):
    return one_view(folder, {"user_id": keys, "e": [at(0)] * len(keys), "f": [float(n) for n in range(len(keys))]})


@pytest.mark.parametrize("kind", [pa.int32(), pa.int64(), pa.uint8(), pa.float64(), pa.string()])
@pytest.mark.parametrize("stored", [pa.int32(), pa.int64(), pa.string()])
def test_whole_numbers_match_in_whatever_type_they_are_held(tmp_path: Path, stored, kind) -> None:
    asked = pa.array([7, 1, None, 2]).cast(kind)
    assert answers(keyed(tmp_path, pa.array([1, 7, None]).cast(stored)), asked) == [1.0, 0.0, None, None]


@pytest.mark.parametrize("key", ["007", "x", "1.5", ""])
def test_text_that_is_not_the_number_itself_is_refused(tmp_path: Path, key: str) -> None:
    with pytest.raises(HistoryError, match=f"view 'stats'.*user_id.*BIGINT.*{key}"):
        answers(keyed(tmp_path, [1]), [key])


def test_a_key_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HistoryError, match=r"user_id.*expected BIGINT, found BOOLEAN"):
        answers(keyed(tmp_path, [1]), [True])


def test_nulls_never_match(tmp_path: Path) -> None:
    assert answers(keyed(tmp_path, pa.array([None, None], pa.int64())), pa.array([None, 1], pa.int64())) == [None, None]


def test_a_view_without_entities_is_joined_by_time_alone(tmp_path: Path) -> None:
    path = write(tmp_path / "global.parquet", {"e": [at(0), at(5)], "c": [at(1), at(5)], "f": [1.0, 2.0]})
    world = view("world", file_source(path, created_timestamp_column="c"), {"f": Float32}, entities=[])
    store = feature_store(tmp_path, [world])
    asked = pa.table({"event_timestamp": [at(5), at(0), at(-1)]})
    for cutoff, expected in ((False, [2.0, 1.0, None]), (True, [2.0, None, None])):
        found = store.get_historical_features(asked, ["world:f"], filter_by_created_timestamp=cutoff).to_arrow()
        assert found["f"].to_pylist() == expected


def test_several_views_keys_and_aliases_in_one_question(tmp_path: Path) -> None:
    item = Entity(name="item", join_keys=["item_id"], value_type=ValueType.STRING)
    pairs = write(
        tmp_path / "pairs.parquet", {"user_id": [1, 1], "item_id": ["a", "b"], "e": [at(0)] * 2, "p": [10, 20]}
    )
    users = write(tmp_path / "users.parquet", {"user_id": [1, 2], "e": [at(0)] * 2, "f": [1.0, 2.0]})
    pair, one = (
        view("pair", file_source(pairs), {"p": Int64}, [user, item]),
        view("one", file_source(users), {"f": Float32}),
    )
    other = one.with_name("other").with_join_key_map({"user_id": "friend"})
    swapped = pair.with_name("swapped").with_join_key_map({"item_id": "second"})
    service = FeatureService(name="all", features=[pair.with_name("pairs"), one.with_name("first"), other, swapped])
    store = feature_store(tmp_path, [user, item, pair, one, service])
    asked = pa.table({"second": ["a", "x"], "friend": [2, 1], "item_id": ["b", "a"], "user_id": [1, 1],
                      "event_timestamp": [at(0)] * 2})  # fmt: skip

    found = store.get_historical_features(asked, service, full_feature_names=True).to_arrow()

    assert found.column_names == [*asked.column_names, "pairs__p", "first__f", "other__f", "swapped__p"]
    assert found.drop(asked.column_names).to_pylist() == [
        {"pairs__p": 20, "first__f": 1.0, "other__f": 2.0, "swapped__p": 10},
        {"pairs__p": 10, "first__f": 1.0, "other__f": 1.0, "swapped__p": None},
    ]


def test_the_ttl_counts_to_the_microsecond(tmp_path: Path) -> None:
    path = write(tmp_path / "stats.parquet", {"user_id": [1], "e": [at(0)], "f": [1.0]})
    store = feature_store(tmp_path, [user, view("stats", file_source(path), {"f": Float32}, ttl=10)])
    assert answers(store, [1, 1, 1, 1], [at(-1e-6), at(0), at(10), at(10 + 1e-6)]) == [None, 1.0, 1.0, None]


def test_a_late_correction_replaces_only_from_when_it_was_known(tmp_path: Path) -> None:
    history = {"user_id": [1, 1, 1], "e": [at(0), at(0), at(2)], "c": [at(1), at(8), at(20)], "f": [1.0, 1.5, 2.0]}
    times = [at(0), at(1), at(7), at(8), at(19), at(20)]
    assert answers(one_view(tmp_path, history), [1] * 6, times) == [1.5, 1.5, 2.0, 2.0, 2.0, 2.0]
    strict = one_view(tmp_path, history, created_cutoff=True)
    assert answers(strict, [1] * 6, times) == [None, 1.0, 1.0, 1.5, 1.5, 2.0]


def test_versions_of_a_view_are_asked_for_by_name(tmp_path: Path) -> None:
    path = write(tmp_path / "stats.parquet", {"user_id": [1], "e": [at(0)], "f": [1.0], "g": [2.0]})
    registry = {"path": str(tmp_path / "registry.db"), "enable_online_feature_view_versioning": True}
    store = feature_store(tmp_path, [user, view("stats", file_source(path), {"f": Float32})], registry=registry)
    store.apply([view("stats", file_source(path), {"f": Float32, "g": Float32})])
    asked = pa.table({"user_id": [1], "event_timestamp": [at(0)]})
    found = store.get_historical_features(asked, ["stats@v0:f", "stats:g"], full_feature_names=True).to_arrow()
    assert found.drop(asked.column_names).to_pylist() == [{"stats__f": 1.0, "stats__g": 2.0}]
