"""Through Feast's own methods every type comes back as Feast's stock store gives it back."""

from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest
from feast.online_response import OnlineResponse
from feast.protos.feast.types.EntityKey_pb2 import EntityKey
from feast.protos.feast.types.Value_pb2 import Value
from feast.type_map import NULL_TIMESTAMP_INT_VALUE, python_values_to_proto_values
from feast.types import Array, Map, ScalarMap, ZonedTimestamp
from feast_types import TYPES
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from online_repos import ITEM, item_view, our_repo, sqlite_repo

NAMES = {f"f{at}": typed for at, typed in enumerate(TYPES)}
UNFRAMED = [str(each) for each in (ScalarMap, ZonedTimestamp, Array(Map))]  # Feast writes these from no frame
WRITTEN = datetime(2026, 1, 1, tzinfo=UTC)
QUICK = settings(
    max_examples=4, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate], database=None
)


@pytest.fixture(scope="module")
def repos(tmp_path_factory, redis_server):
    stores = []
    for make in (lambda folder: our_repo(folder, redis_server, "types"), lambda folder: sqlite_repo(folder, "types")):
        store = make(tmp_path_factory.mktemp("repo"))
        store.apply([ITEM, item_view([(name, typed.dtype) for name, typed in NAMES.items()])])
        stores.append(store)
    yield stores
    for store in stores:
        store.teardown()


def read(store) -> dict[str, list[Value]]:
    asked = {"item_id": ["i1", "nobody", "i0", "i1"]}
    found = store.get_online_features([f"v:{name}" for name in NAMES], entity_rows=asked)
    assert found.to_dict(include_event_timestamps=True) == OnlineResponse.to_dict(found, include_event_timestamps=True)
    vectors = zip(found.proto.metadata.feature_names.val, found.proto.results, strict=True)
    return {name: [_nothing(value) for value in vector.values] for name, vector in vectors}


def _nothing(value: Value) -> Value:
    """Feast has two nulls of a timestamp, and reads both as None; we give one."""
    return Value() if value.unix_timestamp_val == NULL_TIMESTAMP_INT_VALUE else value


def drawn(data, names) -> dict[str, list]:
    return {name: data.draw(st.lists(st.none() | NAMES[name].values, min_size=2, max_size=2)) for name in names}


@QUICK
@given(data=st.data())
def test_a_frame_of_every_type_reads_as_from_the_stock_store(repos, data):
    framed = [name for name, typed in NAMES.items() if str(typed) not in UNFRAMED]
    frame = pd.DataFrame({name: pd.Series(values, dtype=object) for name, values in drawn(data, framed).items()})
    frame["item_id"] = ["i0", "i1"]
    frame["event_timestamp"] = frame["created"] = WRITTEN
    for name in set(NAMES) - set(framed):
        frame[name] = None
    for store in repos:
        store.write_to_online_store("v", frame)
    assert read(repos[0]) == read(repos[1])


@QUICK
@given(data=st.data())
def test_rows_of_every_type_read_as_from_the_stock_store(repos, data):
    columns = {
        name: python_values_to_proto_values(values, NAMES[name].dtype.to_value_type())
        for name, values in drawn(data, NAMES).items()
    }
    rows = [
        (
            EntityKey(join_keys=["item_id"], entity_values=[Value(string_val=f"i{at}")]),
            {name: values[at] for name, values in columns.items()}, WRITTEN + timedelta(microseconds=at), None,
        )
        for at in range(2)
    ]  # fmt: skip
    for store in repos:
        store._get_provider().online_write_batch(store.config, store.get_feature_view("v"), rows, None)
    assert read(repos[0]) == read(repos[1])
