"""Traits of users: whatever columns a users file has, as numbers."""

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from catalog.schema import USERS
from pipelines.user_traits import MOST, user_traits


def traits(path, **columns) -> list[dict]:
    ids = pa.table({"user_id": ["a", "b", "c"]})
    given = {field.name: pa.nulls(3, field.type) for field in USERS if field.name != "user_id"}
    pq.write_table(pa.table({"user_id": ids["user_id"], **given, **columns}), path)
    with duckdb.connect() as connection:
        return connection.sql(user_traits(connection, path)).to_arrow_table().to_pylist()


def test_numbers_are_themselves_and_texts_their_place(tmp_path):
    found = traits(
        tmp_path / "users.parquet", income=[3, None, 5], band=["low", "high", None], paid=[True, False, None]
    )
    assert [row["user_trait_1"] for row in found] == [3.0, None, 5.0]
    low, high = found[0]["user_trait_2"], found[1]["user_trait_2"]
    assert high < low and found[2]["user_trait_2"] is None
    assert [row["user_trait_3"] for row in found] == [1.0, 0.0, None]
    assert all(row["user_trait_4"] is None for row in found)


def test_only_so_many_are_kept_and_lists_are_none(tmp_path):
    columns = {f"c{n}": [n, n, n] for n in range(MOST + 5)}
    (row, *_) = traits(tmp_path / "users.parquet", genres=[["x"], None, ["y"]], **columns)
    assert [row[f"user_trait_{place}"] for place in (1, 2, MOST)] == [0.0, 1.0, MOST - 1]


def test_without_a_users_file_nobody_has_any(tmp_path):
    with duckdb.connect() as connection:
        assert connection.sql(user_traits(connection, tmp_path / "none.parquet")).to_arrow_table().num_rows == 0
