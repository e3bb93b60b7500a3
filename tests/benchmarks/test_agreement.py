"""Answers agree when all values do, bit by bit, missing ones among them."""

import numpy as np
import pyarrow as pa

from benchmarks.agreement import same, same_columns

ONE = np.array([[0.1, np.nan], [0.3, 0.4]], np.float32)


def table(rows: list[int], values: list[float | None]) -> pa.Table:
    return pa.table({"row": rows, "f": pa.array(values, pa.float32())})


def test_equal_answers_agree_and_every_nan_is_missing():
    other = ONE.copy()
    other.view(np.uint32)[0, 1] ^= 1  # another bit pattern that is no number either
    assert np.isnan(other[0, 1])
    assert same(ONE, other)


def test_one_bit_or_one_missing_value_is_a_difference():
    assert not same(ONE, np.nextafter(ONE, np.float32(1)))
    assert not same(ONE, np.nan_to_num(ONE, nan=0.0))
    assert not same(ONE, ONE[:1])


def test_zero_and_minus_zero_differ():
    assert not same(np.float32([0.0]), np.float32([-0.0]))


def test_tables_agree_in_any_order_of_rows():
    assert same_columns(table([1, 2], [0.5, None]), table([2, 1], [None, 0.5]), ["f"], "row")


def test_tables_differ_by_a_value_or_a_row():
    one = table([1, 2], [0.5, None])
    assert not same_columns(one, table([1, 2], [0.5, 0.0]), ["f"], "row")
    assert not same_columns(one, table([1, 3], [0.5, None]), ["f"], "row")
    assert not same_columns(one, table([1], [0.5]), ["f"], "row")
