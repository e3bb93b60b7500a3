from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq

from catalog.attributes import items_of, merge, users_of
from catalog.schema import ITEMS, USERS


def test_items_get_the_layouts_types_and_no_further_columns():
    rows = pa.table({
        "item_id": ["m"], "topics": ["news|sport"], "year": ["1995"], "available_from": ["2024-01-01"], "hue": ["red"],
    })  # fmt: skip
    items, faulty = items_of(rows)
    assert items.schema == ITEMS
    item = {name: value for name, value in items.to_pylist()[0].items() if value is not None}
    available = datetime(2024, 1, 1, tzinfo=UTC)
    assert item == {"item_id": "m", "topics": ["news", "sport"], "year": 1995, "available_from": available}
    assert len(faulty) == 0


def test_users_keep_further_columns_behind_the_layouts():
    users, _ = users_of(pa.table({"income": [1.5], "user_id": [7.0], "age": ["30"]}))
    assert users.column_names == [*USERS.names, "income"]
    assert users.select(["user_id", "age", "income"]).to_pylist() == [{"user_id": "7", "age": 30, "income": 1.5}]


def test_a_value_that_cannot_be_read_is_null_and_named_and_a_row_without_id_is_left_out():
    items, faulty = items_of(pa.table({"item_id": ["a", None, "c"], "year": ["1995", "1996", "old"]}))
    assert items.select(["item_id", "year"]).to_pylist() == [
        {"item_id": "a", "year": 1995},
        {"item_id": "c", "year": None},
    ]
    assert faulty.to_pylist() == [
        {"item_id": None, "year": "1996", "row": 1, "reason": "item_id: missing"},
        {"item_id": "c", "year": "old", "row": 2, "reason": "year: expected an integer, found 'old'"},
    ]


def test_of_equal_ids_the_last_row_counts():
    items, _ = items_of(pa.table({"item_id": ["a", "b", "a"], "title": ["old", "other", "new"]}))
    assert items.select(["item_id", "title"]).to_pylist() == [
        {"item_id": "b", "title": "other"},
        {"item_id": "a", "title": "new"},
    ]


def test_a_later_file_replaces_rows_of_its_ids_and_leaves_the_others(tmp_path):
    path = tmp_path / "users.parquet"
    merge(path, users_of(pa.table({"user_id": ["a", "b"], "age": [1, 2], "income": [5, 6]}))[0], "user_id")
    merge(path, users_of(pa.table({"user_id": ["b", "c"], "age": [3, 4], "height": [7, 8]}))[0], "user_id")
    assert pq.read_table(path).select(["user_id", "age", "income", "height"]).to_pylist() == [
        {"user_id": "a", "age": 1, "income": 5, "height": None},
        {"user_id": "b", "age": 3, "income": None, "height": 7},
        {"user_id": "c", "age": 4, "income": None, "height": 8},
    ]


def test_a_further_column_that_changes_its_type_becomes_text(tmp_path):
    path = tmp_path / "users.parquet"
    merge(path, users_of(pa.table({"user_id": ["a"], "income": [5]}))[0], "user_id")
    both = merge(path, users_of(pa.table({"user_id": ["b"], "income": ["much"]}))[0], "user_id")
    assert both["income"].to_pylist() == ["5", "much"]
