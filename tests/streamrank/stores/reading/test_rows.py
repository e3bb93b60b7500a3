"""Rows of a request: columns and single values, and their distinct keys."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamrank.stores.reading.rows import rows_of


@pytest.mark.parametrize(
    "values",
    [
        ["a", "b"], ("a", "b"), np.array(["a", "b"]), np.array(["a", "b"], dtype=object), pa.array(["a", "b"]),
        pa.chunked_array([["a"], ["b"]]), pd.Series(["a", "b"]),
    ],
)  # fmt: skip
def test_a_column_comes_in_any_form(values):
    rows = rows_of({"key": values, "other": "x"})
    assert rows.count == 2
    assert rows.columns["key"].to_pylist() == ["a", "b"]
    assert rows.constant == {"other"}
    assert rows.whole("other").to_pylist() == ["x", "x"]


@pytest.mark.parametrize("value", ["text", b"raw", 7, 1.5, None, True, np.int64(3), np.array(3), pa.scalar("s")])
def test_a_single_value_stands_for_all_rows(value):
    assert rows_of({"key": value, "other": [1, 2, 3]}).constant == {"key"}
    assert rows_of({"key": value}).count == 1


def test_lengths_that_differ_are_named():
    with pytest.raises(ValueError, match=r"found lengths \{'a': 2, 'b': 3\}"):
        rows_of({"a": [1, 2], "b": [1, 2, 3], "c": 1})


def test_values_of_several_types_are_named():
    with pytest.raises(ValueError, match="'a': expected values of one type"):
        rows_of({"a": [1, "x"]})


PARTS = st.tuples(st.sampled_from(["x", "y", None]), st.sampled_from([1, 2, None]))


@given(st.lists(PARTS, max_size=12), st.booleans())
def test_distinct_keys_spread_back_over_the_rows(pairs, single):
    given_rows = {"a": [pair[0] for pair in pairs], "b": [pair[1] for pair in pairs]} | ({"c": 9} if single else {})
    if single:
        given_rows.pop("b")
    rows = rows_of(
        {name: pa.array(values, pa.string()) if name == "a" else values for name, values in given_rows.items()}
    )
    distinct = rows.distinct(list(given_rows))
    keys = list(zip(*(distinct.columns[name].to_pylist() for name in given_rows), strict=True))
    expected = list(zip(*(rows.whole(name).to_pylist() for name in given_rows), strict=True))
    whole = [key for key in dict.fromkeys(expected) if None not in key]
    assert len(keys) == distinct.keys
    assert sorted(keys) == sorted(whole)
    numbers = distinct.over_rows(np.arange(distinct.keys, dtype=np.float64), np.nan)
    names = distinct.column_over_rows(pa.array([str(key) for key in keys], pa.string())).to_pylist()
    for row, key in enumerate(expected):
        assert names[row] == (None if None in key else str(key))
        assert np.isnan(numbers[row]) if None in key else keys[int(numbers[row])] == key
