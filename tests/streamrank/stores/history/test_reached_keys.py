"""Keys that rows do not name and that are reached through another view."""

from pathlib import Path

import pyarrow as pa
import pytest
from feast import Entity, FeatureStore, ValueType
from feast.types import Array, Float32, Int64, String
from feast_histories import at, feature_store, file_source, user, view, write

from streamrank.paths import PathError, through

item = Entity(name="item", join_keys=["item_id"], value_type=ValueType.STRING)
creator = Entity(name="creator", join_keys=["creator_id"], value_type=ValueType.INT64, tags=through("items", "made_by"))
topic = Entity(name="topic", join_keys=["topic"], value_type=ValueType.STRING, tags=through("items", "topics"))
country = Entity(name="country", join_keys=["country"], value_type=ValueType.STRING, tags=through("creators", "from"))


def world(folder: Path, *more: Entity) -> FeatureStore:
    def lying(name: str, **columns):
        return file_source(write(folder / f"{name}.parquet", columns), created_timestamp_column="c")

    items = lying("items", item_id=["a", "a", "b"], e=[at(0), at(10), at(0)], c=[at(0), at(20), at(0)],
                  made_by=[1, 2, 3], topics=[["x", "y"], ["y"], None])  # fmt: skip
    creators = lying(
        "creators", creator_id=[1, 2], e=[at(0)] * 2, c=[None, at(0)], fans=[10, 20], **{"from": ["DE", "FR"]}
    )
    pairs = lying("pairs", user_id=[7, 7], topic=["x", "y"], e=[at(0)] * 2, c=[at(0)] * 2, liked=[0.5, 0.25])
    lands = lying("lands", country=["DE"], e=[at(0)], c=[at(0)], size=[80])
    views = [
        view("items", items, {"made_by": Int64, "topics": Array(String)}, [item], ttl=100),
        view("creators", creators, {"fans": Int64, "from": String}, [creator]),
        view("pairs", pairs, {"liked": Float32}, [user, topic]),
        view("lands", lands, {"size": Int64}, [country]),
    ]
    return feature_store(folder, [user, item, creator, topic, country, *more, *views])


def rows(*times: float) -> pa.Table:
    return pa.table(
        {"item_id": ["a"] * len(times), "user_id": [7] * len(times), "event_timestamp": list(map(at, times))}
    )


FEATURES = ["creators:fans", "pairs:liked", "lands:size"]


def test_keys_are_those_of_the_rows_time_and_not_part_of_the_answer(tmp_path: Path) -> None:
    found = world(tmp_path).get_historical_features(rows(-1, 5, 10, 15, 20), FEATURES).to_arrow()
    assert found.column_names == ["item_id", "user_id", "event_timestamp", "fans", "liked", "size"]
    assert found["fans"].to_pylist() == [None, 10, 20, 20, 20]
    assert found["liked"].to_pylist() == [None, 0.5, 0.25, 0.25, 0.25]
    assert found["size"].to_pylist() == [None, 80, None, None, None]


def test_the_cutoff_and_the_ttl_hold_for_the_way_too(tmp_path: Path) -> None:
    store = world(tmp_path)
    strict = store.get_historical_features(rows(5, 15, 20, 111), FEATURES, filter_by_created_timestamp=True).to_arrow()
    assert strict["fans"].to_pylist() == [10, 10, 20, None]
    assert strict["liked"].to_pylist() == [0.5, 0.5, 0.25, None]


def test_a_key_that_the_rows_name_is_taken_from_them(tmp_path: Path) -> None:
    asked = rows(5).append_column("creator_id", pa.array([2]))
    assert world(tmp_path).get_historical_features(asked, ["creators:fans"]).to_arrow()["fans"].to_pylist() == [20]


def test_rows_given_as_sql_reach_keys(tmp_path: Path) -> None:
    sql = f"SELECT 'a' AS item_id, TIMESTAMPTZ '{at(5)}' AS event_timestamp UNION ALL SELECT 'b', TIMESTAMPTZ '{at(5)}'"
    assert world(tmp_path).get_historical_features(sql, ["creators:fans"]).to_arrow()["fans"].to_pylist() == [10, None]


@pytest.mark.parametrize(("path", "complaint"), [
    (through("nowhere", "x"), "view 'nowhere'"),
    (through("items", "colour"), "feature 'colour'.*'made_by'"),
    (through("rings", "next"), "back to itself"),
])  # fmt: skip
def test_a_path_that_leads_nowhere_is_named(tmp_path: Path, path: dict[str, str], complaint: str) -> None:
    ring = Entity(name="ring", join_keys=["ring_id"], value_type=ValueType.INT64, tags=path)
    rings = file_source(write(tmp_path / "rings.parquet", {"ring_id": [1], "e": [at(0)], "next": [1]}))
    store = world(tmp_path, ring, view("rings", rings, {"next": Int64}, [ring]))
    with pytest.raises(PathError, match=rf"ring_id.*{complaint}"):
        store.get_historical_features(rows(5), ["rings:next"])
