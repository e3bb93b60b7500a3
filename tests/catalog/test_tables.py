from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from catalog.errors import InputError
from catalog.tables import read, require


@pytest.fixture
def write(tmp_path):
    def write(content: str | bytes, name: str = "file.csv"):
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        return tmp_path / name

    return write


def test_a_csv_is_text_with_nulls_for_nothing(write):
    found = read(write('user_id,note\n007,"a, ""b""\nand more"\n8,\n'))
    assert found.rows.to_pydict() == {"user_id": ["007", "8"], "note": ['a, "b"\nand more', None]}
    assert found.text


def test_a_byte_order_mark_and_windows_line_ends_are_no_part_of_the_data(write):
    assert read(write(b"\xef\xbb\xbfuser_id,age\r\n7,3\r\n")).rows.to_pydict() == {"user_id": ["7"], "age": ["3"]}


def test_a_parquet_file_keeps_its_types_whatever_it_is_called(tmp_path):
    rows = pa.table({"user_id": [7, 8], "topics": [["a"], None]})
    pq.write_table(rows, tmp_path / "events.csv")
    found = read(tmp_path / "events.csv")
    assert found.rows.equals(rows)
    assert not found.text


def test_types_that_nothing_computes_with_are_read_as_their_like(tmp_path):
    rows = pa.table({
        "user_id": pa.array(["7", None], pa.string_view()),
        "topics": pa.array([["a"], None], pa.large_list(pa.string_view())),
        "event_time": pa.array([Decimal("1700000000.5"), None], pa.decimal256(50, 1)),
    })  # fmt: skip
    pq.write_table(rows, tmp_path / "events.parquet")
    assert read(tmp_path / "events.parquet").rows.to_pydict() == {
        "user_id": ["7", None],
        "topics": [["a"], None],
        "event_time": ["1700000000.5", None],
    }


def test_lines_with_another_number_of_values_are_set_apart(write):
    found = read(write("a,b\n1,2\n3\n4,5\n6,7,8\n"))
    assert found.rows.to_pydict() == {"a": ["1", "4"], "b": ["2", "5"]}
    assert found.unreadable.to_pydict() == {
        "line": ["3", "6,7,8"],
        "reason": [
            "unreadable line: row 3 has 1 values, expected 2",
            "unreadable line: row 5 has 3 values, expected 2",
        ],
    }


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "found an empty one"),
        (b" \n\n", "found an empty one"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "binary content of another kind"),
        (b"user_id,age\n\xff\xfe\xfa,3\n", "as CSV: .*UTF8"),
        (b"PAR1 and then nothing of the kind", "begins as a Parquet file but cannot be read"),
        (b"user_id,event_time\n", "expected rows, found only the columns user_id, event_time"),
        (b"user_id,age,user_id\n1,2,3\n", "column user_id stands there more than once"),
    ],
)
def test_what_is_no_table_is_refused_by_name(write, content, message):
    file = write(content, "data.bin")
    with pytest.raises(InputError, match=rf"data\.bin: .*{message}"):
        read(file)


def test_no_file_and_a_folder_are_refused_by_name(tmp_path):
    with pytest.raises(InputError, match=r"absent\.csv: expected a Parquet or CSV file, found nothing"):
        read(tmp_path / "absent.csv")
    with pytest.raises(InputError, match="found a folder"):
        read(tmp_path)


def test_a_lacking_column_is_named_with_the_columns_found(tmp_path):
    rows = pa.table({"uid": [1], "time": [2]})
    with pytest.raises(InputError, match=r"e\.csv: lacks column user_id or item_id, event_time; found uid, time"):
        require(tmp_path / "e.csv", rows, ("user_id", "item_id"), ("event_time",))
    require(tmp_path / "e.csv", rows, ("uid",), ("time", "event_time"))
