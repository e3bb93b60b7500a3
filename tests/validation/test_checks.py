import pandas as pd
import pytest

from validation.checks import broken


def _gxe():
    import great_expectations.expectations as gxe

    return gxe


def test_the_rows_that_break_an_expectation_are_marked():
    frame = pd.DataFrame({"a": [1.0, None, -3.0], "b": ["x", "y", None]})
    masks = broken(frame, {
        "negative": _gxe().ExpectColumnValuesToBeBetween(column="a", min_value=0),
        "missing": _gxe().ExpectColumnValuesToNotBeNull(column="a"),
        "unknown": _gxe().ExpectColumnValuesToBeInSet(column="b", value_set=["x"]),
    })  # fmt: skip
    assert {name: mask.tolist() for name, mask in masks.items()} == {
        "negative": [False, False, True],
        "missing": [False, True, False],
        "unknown": [False, True, False],
    }


def test_a_frame_without_rows_breaks_nothing():
    masks = broken(pd.DataFrame({"a": []}), {"missing": _gxe().ExpectColumnValuesToNotBeNull(column="a")})
    assert masks["missing"].tolist() == []


def test_a_check_that_cannot_run_is_an_error_and_no_pass():
    with pytest.raises(RuntimeError, match="check 'missing' could not run"):
        broken(pd.DataFrame({"a": [1]}), {"missing": _gxe().ExpectColumnValuesToNotBeNull(column="absent")})
