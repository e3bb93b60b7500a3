import pyarrow as pa

from catalog.item_path import through_items

ITEMS = pa.table({
    "item_id": ["1", "2", "3"],
    "creator_id": ["a", None, "c"],
    "topics": [["x", "y"], [], None],
})  # fmt: skip


def test_a_row_gets_its_items_creator_and_first_topic_in_its_own_place():
    rows = pa.table({"item_id": ["3", "1", "2", "1"], "n": [0, 1, 2, 3]})
    assert through_items(rows, ITEMS).to_pydict() == {
        "item_id": ["3", "1", "2", "1"],
        "n": [0, 1, 2, 3],
        "creator_id": ["c", "a", None, "a"],
        "topic": [None, "x", None, "x"],
    }


def test_an_unknown_item_and_no_item_have_neither():
    nobody = pa.table({"item_id": [None], "creator_id": ["nobody"], "topics": [["none"]]}, schema=ITEMS.schema)
    items = pa.concat_tables([ITEMS, nobody])
    found = through_items(pa.table({"item_id": ["9", None]}), items)
    assert found["creator_id"].to_pylist() == [None, None]
    assert found["topic"].to_pylist() == [None, None]


def test_columns_of_these_names_are_replaced():
    found = through_items(pa.table({"creator_id": ["old"], "item_id": ["1"], "topic": ["old"]}), ITEMS)
    assert found.to_pydict() == {"item_id": ["1"], "creator_id": ["a"], "topic": ["x"]}


def test_no_rows_and_no_items_are_fine():
    nothing = pa.table({"item_id": pa.array([], pa.string())})
    assert through_items(nothing, ITEMS).column_names == ["item_id", "creator_id", "topic"]
    assert through_items(pa.table({"item_id": ["1"]}), ITEMS.slice(0, 0))["topic"].to_pylist() == [None]
