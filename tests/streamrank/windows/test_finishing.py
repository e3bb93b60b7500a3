"""Stored values finished at an instant: types, missing values, and what no value of this format is."""

import numpy as np
import pyarrow as pa
import pytest
from feast.types import Float32, Float64, Int32, Int64
from windowed_views import SECOND, Tiles, aggregation, connected, stream_view, windowed_view
from windows_reference import Event, Wanted

from streamrank.events.shards import NEVER, SHARDS
from streamrank.windows.finishing import applied, finish, finish_columns

COLUMNS = {"views": pa.int64(), "price": pa.float64()}
WINDOW = {"window_us": 10 * SECOND, "slide_us": SECOND}
WANTED = [
    Wanted("count32", "count", "views", **WINDOW), Wanted("sum64", "sum", "views", **WINDOW),
    Wanted("mean", "mean", "price", steps=100, **WINDOW), Wanted("price", "sum", "price", steps=100, **WINDOW),
    Wanted("least", "min", "views", **WINDOW), Wanted("now", "sum", "views"),
]  # fmt: skip
TYPES = {"count32": Int32, "sum64": Int64, "mean": Float64, "price": Float32, "least": Int64, "now": Int32}
NAMES = [*TYPES]
AT = 100 * SECOND


@pytest.fixture(scope="module")
def tiles(redis_server: str):
    declared = [aggregation(each) for each in WANTED]
    view = windowed_view(stream_view(declared, ", ".join(COLUMNS), types=TYPES, scales={"price": 0.01}))
    found = Tiles(connected(redis_server), view, COLUMNS, b"test_finishing:")
    rows = [("a", 99, 3, 0.1), ("a", 99, 4, 0.2), ("b", 50, 5, None), ("c", 95, None, 1.0)]
    events = [
        Event(key, 1, second * SECOND, n, {"views": views, "price": price})
        for n, (key, second, views, price) in enumerate(rows, start=1)
    ]
    found.merge(events, {1: 1}, {1: 4})
    yield found
    found.connection.close()


def test_columns_have_the_declared_types_and_are_null_where_missing(tiles):
    found = finish_columns(tiles.view, tiles.values(["a", "b", "c", "never"]), NAMES, AT)
    assert {name: array.type for name, array in found.items()} == {
        "count32": pa.int32(), "sum64": pa.int64(), "mean": pa.float64(), "price": pa.float32(), "least": pa.int64(),
        "now": pa.int32(),
    }  # fmt: skip
    assert {name: array.to_pylist() for name, array in found.items()} == {
        "count32": [2, 0, 0, 0], "sum64": [7, 0, 0, 0], "mean": [0.15, None, 1.0, None],
        "price": [np.float32(0.3), 0.0, 1.0, 0.0], "least": [3, None, None, None], "now": [7, 5, 0, 0],
    }  # fmt: skip


def test_a_matrix_holds_what_the_columns_hold(tiles):
    values = tiles.values(["a", "b", "c", "never"])
    columns = finish_columns(tiles.view, values, NAMES, AT)
    matrix = finish(tiles.view, values, NAMES, AT)
    assert matrix.dtype == np.float32
    for place, array in enumerate(columns.values()):
        np.testing.assert_array_equal(matrix[:, place], array.cast(pa.float64()).to_numpy(False).astype(np.float32))


def test_any_features_in_any_order(tiles):
    values = tiles.values(["c", "a"])
    np.testing.assert_array_equal(finish(tiles.view, values, ["now", "mean"], AT), np.float32([[0, 1.0], [7, 0.15]]))
    assert finish(tiles.view, values, [], AT).shape == (2, 0)


def test_the_same_values_at_another_time(tiles):
    assert finish(tiles.view, tiles.values(["b"]), ["sum64"], 55 * SECOND) == 5
    assert finish(tiles.view, tiles.values(["a"]), ["sum64"], 98 * SECOND) == 0  # of which second 99 lies in the future


def test_a_part_of_a_longer_answer_whose_bytes_lie_anywhere(tiles):
    values = tiles.values(["a", "b", "c", "never"])
    longer = pa.concat_arrays([pa.array([b"abc", None, b"12345678"], pa.large_binary()), values])
    for part in (longer.slice(3), longer.slice(4, 2)):
        plain = pa.array(part.to_pylist(), pa.large_binary())
        np.testing.assert_array_equal(finish(tiles.view, part, NAMES, AT), finish(tiles.view, plain, NAMES, AT))
        np.testing.assert_array_equal(applied(part), applied(plain))


@pytest.mark.parametrize("count", [0, 3])
def test_keys_that_were_never_seen_read_as_empty_ones(tiles, count):
    values = pa.nulls(count, pa.large_binary())
    found = finish(tiles.view, values, NAMES, AT)
    np.testing.assert_array_equal(found, np.float32([[0, 0, np.nan, 0, np.nan, 0]] * count).reshape(count, 6))
    assert (applied(values) == NEVER).all()
    assert applied(values).shape == (count, SHARDS)


def test_a_value_of_another_format_is_an_error(tiles):
    for other in (b"\x09" + b"\0" * 31, b"\x01"):
        values = pa.array([other], pa.large_binary())
        with pytest.raises(ValueError, match="rebuild the view"):
            finish(tiles.view, values, NAMES, AT)


def test_an_integer_too_large_for_its_field_is_an_error(tiles):
    one = Event("large", 2, AT, 1, {"views": 2**31})
    tiles.merge([one], {2: 1}, {2: 1})
    values = tiles.values(["large"])
    assert finish(tiles.view, values, ["now"], AT) == np.float32(2**31)
    with pytest.raises(OverflowError, match=r"feature 'now'.*widen"):
        finish_columns(tiles.view, values, ["now"], AT)
