"""On-demand views by column: what reaches their functions, what comes back, and that Feast's own way gives the same."""

import datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from feast import Entity, FeatureView, Field, FileSource, OnDemandFeatureView, RequestSource
from feast.types import Array, Bool, Float32, Float64, Int64, String, UnixTimestamp

from streamrank.derived import COLUMNWISE, DerivedError, transform, transform_table

ASKED = RequestSource(name="asked", schema=[Field(name="now", dtype=Int64), Field(name="word", dtype=String)])
STORED = FeatureView(
    name="stored",
    entities=[Entity(name="item", join_keys=["item_id"])],
    source=FileSource(name="stored", path="stored.parquet", timestamp_field="event_timestamp"),
    schema=[
        Field(name="count", dtype=Int64),
        Field(name="live", dtype=Bool),
        Field(name="words", dtype=Array(String)),
        Field(name="seen", dtype=UnixTimestamp),
    ],
)
COLUMNS = {
    "now": pa.array([5, 6]),
    "word": pa.array(["a", None]),
    "stored__count": pa.array([None, 2**54 + 1]),
    "stored__live": pa.array([True, None]),
    "stored__words": pa.array([["x", "y"], None]),
    "stored__seen": pa.array([1, None], pa.timestamp("us", "UTC")),
}


def view_of(function, fields=(("value", Float32),), **options) -> OnDemandFeatureView:
    schema = [Field(name=name, dtype=dtype) for name, dtype in fields]
    options = {"mode": "python", "tags": COLUMNWISE, **options}
    return OnDemandFeatureView(
        name="made", sources=[ASKED, STORED], schema=schema, udf=function, udf_string="", **options
    )


def test_numbers_come_as_float64_with_nan_and_all_else_as_arrow():
    seen = {}

    def function(columns):
        seen.update(columns)
        return {"value": columns["count"]}

    transform(view_of(function), COLUMNS)
    assert {name: seen[name].dtype for name in ("now", "count", "live")} == dict.fromkeys(
        ("now", "count", "live"), np.float64
    )
    assert np.isnan(seen["count"][0])
    assert seen["count"][1] == 2.0**54
    assert (seen["live"][0], np.isnan(seen["live"][1])) == (1.0, True)
    assert seen["word"].equals(COLUMNS["word"])
    assert seen["words"] is seen["stored__words"]
    assert seen["seen"].to_pylist()[0] == datetime.datetime(1970, 1, 1, 0, 0, 0, 1, datetime.UTC)


def test_a_feature_may_be_given_by_either_of_its_names():
    short = {name.removeprefix("stored__"): column for name, column in COLUMNS.items()}

    def function(columns):
        return {"value": columns["stored__count"] + columns["count"]}

    assert transform(view_of(function), short)["value"][1] == np.float32(2.0**55)


def test_every_declared_type_comes_back_as_declared():
    fields = [("value", Float32), ("whole", Int64), ("wide", Float64), ("text", String), ("list", Array(Float32))]

    def function(columns):
        return {
            "value": np.array([0.5, np.nan]),
            "whole": np.array([3, 4]),
            "wide": np.array([0.1, np.nan]),
            "text": columns["word"],
            "list": pa.array([[1.0], None]),
        }

    made = transform(view_of(function, fields), COLUMNS)
    assert made["value"].dtype == np.float32
    assert made["whole"].equals(pa.array([3, 4], pa.int64()))
    assert made["wide"].to_pylist() == [0.1, None]
    assert made["text"].to_pylist() == ["a", None]
    assert made["list"].type == pa.list_(pa.float32())
    table = transform_table(view_of(function, fields), pa.table(COLUMNS), full_feature_names=True)
    assert table["made__value"].to_pylist() == [0.5, None]


@pytest.mark.parametrize("options", [{"tags": {}}, {"tags": {}, "singleton": True}, {"tags": {}, "mode": "pandas"}])
def test_views_without_the_tag_run_as_feast_runs_them(options):
    def add(now, count):
        return None if count is None or pd.isna(count) else float(now + count)

    def from_lists(columns):
        return {"value": [add(*pair) for pair in zip(columns["now"], columns["count"], strict=True)]}

    def from_values(columns):
        return {"value": add(columns["now"], columns["count"])}

    def from_frame(frame: pd.DataFrame) -> pd.DataFrame:
        return pd.DataFrame({"value": (frame["now"] + frame["count"]).astype(np.float32)})

    function = from_values if "singleton" in options else from_frame if "mode" in options else from_lists
    columns = COLUMNS | {"stored__count": pa.array([None, 7])}
    made = transform(view_of(function, **options), columns)["value"]
    assert made.type == pa.float32()
    assert [None if value is None or np.isnan(value) else value for value in made.to_pylist()] == [None, 13.0]


def test_no_rows_need_no_call():
    empty = {name: column[:0] for name, column in COLUMNS.items()}
    fields = [("value", Float32), ("text", String)]
    made = transform(view_of(lambda columns: 1 / 0, fields), empty)
    assert {name: (len(column), column.type) for name, column in made.items()} == {
        "value": (0, pa.float32()),
        "text": (0, pa.string()),
    }


@pytest.mark.parametrize(
    ("function", "complaint"),
    [
        (lambda columns: {}, r"'made' declares 'value', but its function returned \[\]"),
        (lambda columns: {"value": np.zeros(1)}, "expected 2 values of 'value', its function gave 1"),
        (lambda columns: {"value": pa.array(["a", "b"])}, "'value' is not of the declared Float32"),
    ],
)
def test_what_a_function_returns_is_held_to_the_declaration(function, complaint):
    with pytest.raises(DerivedError, match=complaint):
        transform(view_of(function), COLUMNS)


def test_a_missing_input_is_named():
    with pytest.raises(DerivedError, match="its input 'count' is missing"):
        transform(view_of(lambda columns: {}), {"now": COLUMNS["now"], "word": COLUMNS["word"]})


def test_a_columnwise_function_of_another_mode_is_refused():
    def frame(inputs: pd.DataFrame) -> pd.DataFrame:
        return inputs

    with pytest.raises(DerivedError, match="expected mode='python' and no singleton"):
        transform(view_of(frame, mode="pandas"), COLUMNS)
