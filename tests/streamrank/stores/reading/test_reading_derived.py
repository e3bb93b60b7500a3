"""Derived features through the reader: functions of every mode give the values of get_online_features."""

import inspect

import numpy as np
import pandas as pd
import pyarrow as pa
from feast import FeatureService, Field, OnDemandFeatureView, RequestSource
from feast.types import Float32, Float64, Int64, String
from reader_repo import NOW, assert_same, entity, view, write

from streamrank import clock
from streamrank.derived import COLUMNWISE
from streamrank.stores.reader import OnlineReader

ITEM = entity("item", "item_id")
ASKED = RequestSource(name="asked", schema=[Field(name="bonus", dtype=Int64), Field(name="word", dtype=String)])


def by_column(columns):
    """Runs on arrays and, for Feast, on lists."""
    lists = isinstance(columns["bonus"], list)
    total = np.asarray(columns["count"], np.float64) + np.asarray(columns["bonus"], np.float64)
    made = {"total": total.astype(np.float32), "third": (total / 3).astype(np.float32)}
    if not lists:
        return made
    return {name: [None if np.isnan(value) else value for value in values] for name, values in made.items()}


def by_list(columns):
    pairs = zip(columns["word"], columns["count"], strict=True)
    return {"label": [None if count is None else f"{word}{count}" for word, count in pairs]}


def by_value(columns):
    return {"twice": None if columns["count"] is None else columns["count"] * 2}


def by_frame(frame: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({"half": (frame["price"] / 2).astype("float64")})


def derived_views(stored) -> list[OnDemandFeatureView]:
    def made(name, function, fields, **options):
        schema = [Field(name=field, dtype=dtype) for field, dtype in fields.items()]
        options = {"mode": "python", **options}
        return OnDemandFeatureView(
            name=name,
            sources=[ASKED, stored],
            schema=schema,
            udf=function,
            udf_string=inspect.getsource(function),
            **options,
        )

    return [
        made("columns", by_column, {"total": Float32, "third": Float32}, tags=COLUMNWISE),
        made("lists", by_list, {"label": String}),
        made("frames", by_frame, {"half": Float64}, mode="pandas"),
    ]


def test_derived_features_of_every_mode_are_those_of_get_online_features(online):
    stored = view("stored", [ITEM], {"count": Int64, "price": Float64})
    views = derived_views(stored)
    service = FeatureService(name="mixed", features=[views[0], stored[["price"]], *views[1:]])
    online.apply([ITEM, stored, *views, service])
    rows = {"item_id": ["a", "b", "c"], "count": [2**40 + 1, None, 5], "price": [0.1, 0.7, None]}
    write(online, "stored", {name: pa.array(values) for name, values in rows.items()}, NOW)
    keys, request = {"item_id": ["c", "a", "b", "nobody"]}, {"bonus": [1, 2, 3, 4], "word": ["x", "y", "z", "w"]}
    reader = OnlineReader(online, "mixed")
    read = reader.read(keys, request)
    assert reader.names == read.names == ("total", "third", "price", "half")
    assert np.array_equal(read.matrix[:, 0], np.array([6, 2**40 + 3, np.nan, np.nan], np.float32), equal_nan=True)
    assert read.columns["label"].to_pylist() == ["x5", f"y{2**40 + 1}", None, None]
    assert_same(read, online.get_online_features(online.get_feature_service("mixed"), keys | request).to_dict())


def test_a_function_of_single_values_is_called_row_by_row(online):
    stored = view("stored", [ITEM], {"count": Int64})
    schema = [Field(name="twice", dtype=Int64)]
    single = OnDemandFeatureView(
        name="single",
        sources=[stored],
        schema=schema,
        mode="python",
        singleton=True,
        udf=by_value,
        udf_string=inspect.getsource(by_value),
    )
    online.apply([ITEM, stored, single])
    write(online, "stored", {"item_id": ["a", "b"], "count": [1, 2]}, NOW)
    read = OnlineReader(online, ["single:twice"]).read({"item_id": ["b", "nobody", "a"]})
    assert np.nan_to_num(read.matrix, nan=-1).tolist() == [[4], [-1], [2]]


def by_batch(inputs):
    return {"double": [count * 2 for count in inputs["count"]]}


def test_derived_features_that_were_written_are_read_and_not_computed(online):
    stored = view("stored", [ITEM], {"count": Int64})
    written = OnDemandFeatureView(
        name="written", sources=[stored], schema=[Field(name="double", dtype=Int64)], entities=[ITEM], mode="python",
        udf=by_batch, udf_string=inspect.getsource(by_batch), write_to_online_store=True,
    )  # fmt: skip
    online.apply([ITEM, stored, written])
    online.write_to_online_store(
        "written", pd.DataFrame({"item_id": ["a"], "count": [4], "event_timestamp": [clock.now()]})
    )
    read = OnlineReader(online, ["written:double"]).read({"item_id": ["a", "b"]})
    assert read.matrix[0, 0] == 8
    assert_same(read, online.get_online_features(["written:double"], {"item_id": ["a", "b"]}).to_dict())
