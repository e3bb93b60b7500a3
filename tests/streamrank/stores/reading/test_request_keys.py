"""Keys that take a column of the request, whose name Feast keeps for the request alone."""

import inspect

import numpy as np
from feast import FeatureService, Field, OnDemandFeatureView, RequestSource
from feast.types import Float32, Float64, String
from reader_repo import NOW, entity, view, write

from streamrank.paths import given_as
from streamrank.stores.reader import OnlineReader

PLACE = entity("place", "shown_on", tags=given_as("surface"))
ASKED = RequestSource(name="asked", schema=[Field(name="surface", dtype=String)])


def lengths(columns):
    return {"length": [None if word is None else float(len(word or "")) for word in columns["surface"]]}


def test_a_key_is_the_requests_column_unless_it_is_given_itself(online):
    stored = view("places", [PLACE], {"fame": Float32})
    length = OnDemandFeatureView(
        name="lengths", sources=[ASKED], schema=[Field(name="length", dtype=Float64)], mode="python", udf=lengths,
        udf_string=inspect.getsource(lengths),
    )  # fmt: skip
    online.apply([PLACE, stored, length, FeatureService(name="both", features=[stored, length])])
    write(online, "places", {"shown_on": ["home", "search"], "fame": [3.0, 5.0]}, NOW)
    read = OnlineReader(online, "both").read({}, {"surface": ["search", "home", None]})
    assert np.array_equal(read.matrix, np.array([[5, 6], [3, 4], [np.nan, np.nan]], np.float32), equal_nan=True)
    assert OnlineReader(online, ["places:fame"]).read({"shown_on": ["home"]}).matrix.tolist() == [[3.0]]
