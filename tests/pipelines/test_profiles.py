"""Profiles: what a users file says, as words that users share."""

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.profiles import BANDS, profiles

USERS = 40


def told(path, **columns) -> list:
    ids = [f"u{user}" for user in range(USERS)]
    pq.write_table(pa.table({"user_id": ids, "topics": [["a"]] * USERS, **columns}), path)
    found = profiles(path)
    assert found["user_id"].to_pylist() == ids
    return found["user_profile"].to_pylist()


def test_texts_truths_and_numbers_of_few_values_are_themselves(tmp_path):
    gender = ["F", "M", None, "M"] * (USERS // 4)
    paid, level = [True, False] * (USERS // 2), [1, 2, 3, None] * (USERS // 4)
    found = told(tmp_path / "users.parquet", gender=gender, paid=paid, level=level)
    assert found[0] == ["gender:F", "paid:true", "level:1"] and found[2] == ["paid:true", "level:3"]


def test_numbers_of_many_values_are_bands_of_about_as_many_users(tmp_path):
    found = told(tmp_path / "users.parquet", age=[20 + user for user in range(USERS)])
    bands = [row[0] for row in found]
    assert bands[0] == bands[4] == "age:20-24" and bands[-1] == "age:55-59"
    assert {bands.count(band) for band in bands} == {USERS // BANDS}


def test_equal_numbers_are_of_one_band_and_what_is_no_number_of_none(tmp_path):
    fans = [0.0] * 20 + [float("nan"), None] + [float(n) for n in range(1, 19)]
    found = told(tmp_path / "users.parquet", fans=fans)
    assert len({row[0] for row in found[:20]}) == 1 and found[20] is None and found[21] is None


def test_ids_free_text_and_what_all_have_alike_are_left_out(tmp_path):
    zip_code = [f"{user:05}" for user in range(USERS)]
    found = told(tmp_path / "users.parquet", zip_code=zip_code, planet=["earth"] * USERS)
    assert found == [None] * USERS


def test_without_a_users_file_nobody_has_one(tmp_path):
    assert profiles(tmp_path / "none.parquet").num_rows == 0
