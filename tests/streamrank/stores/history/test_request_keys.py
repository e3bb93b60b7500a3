"""Keys that take a column of the entity rows under another name."""

from pathlib import Path

import pyarrow as pa
import pytest
from feast import Entity, ValueType
from feast.errors import FeastEntityDFMissingColumnsError
from feast.types import Float32
from feast_histories import at, feature_store, file_source, view, write

from streamrank.paths import given_as

place = Entity(name="place", join_keys=["shown_on"], value_type=ValueType.STRING, tags=given_as("surface"))


def asked(folder: Path, **columns: list) -> list:
    lying = write(folder / "places.parquet", {"shown_on": ["home", "search"], "e": [at(0)] * 2, "fame": [3.0, 5.0]})
    store = feature_store(folder, [place, view("places", file_source(lying), {"fame": Float32}, [place])])
    rows = pa.table({**columns, "event_timestamp": [at(5)] * 2})
    return store.get_historical_features(rows, ["places:fame"]).to_arrow()["fame"].to_pylist()


def test_a_key_is_the_rows_column_unless_they_give_it_itself(tmp_path: Path) -> None:
    assert asked(tmp_path, surface=["search", "home"]) == [5.0, 3.0]
    assert asked(tmp_path, surface=["search", "home"], shown_on=["home", None]) == [3.0, None]


def test_rows_with_neither_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FeastEntityDFMissingColumnsError, match="shown_on"):
        asked(tmp_path, other=[1, 2])
