"""Columns in the order that is asked for, missing values as NaN."""

import numpy as np
import pyarrow as pa
import pytest

from models.matrix import matrix

ROWS = pa.table({"a": pa.array([1, None], pa.int64()), "b": pa.array([0.5, 2], pa.float32()), "c": ["x", "y"]})


def test_columns_come_in_the_asked_order_with_nan_where_missing():
    found = matrix(ROWS, ["b", "a"])
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, [[0.5, 1], [2, np.nan]])


def test_a_lacking_column_is_named():
    with pytest.raises(ValueError, match="rows lack the features d; found a, b, c"):
        matrix(ROWS, ["a", "d"])
