"""The store against a dictionary: two writers, the clock, schema changes and deletions, randomly interleaved."""

import asyncio
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
from feast.protos.feast.types.EntityKey_pb2 import EntityKey
from feast.protos.feast.types.Value_pb2 import Value
from feast.type_map import feast_value_type_to_python_type, python_values_to_proto_values
from feast.types import Array, Float32, Int64, String
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from online_repos import OURS, item_view, repo_config

from streamrank import clock
from streamrank.settings import feast_connection
from streamrank.stores.online import StreamrankOnlineStore

KEYS = ["a", "b", "", "ü"]
TTL = timedelta(microseconds=10)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
VALUES = {
    str(Int64): st.integers(-5, 5), str(Float32): st.sampled_from([0.5, -1.25]),
    str(String): st.text("xyz", max_size=3),
    str(Array(Float32)): st.lists(st.sampled_from([0.5, 2.0]), max_size=3),
}  # fmt: skip
TYPES = {str(dtype): dtype for dtype in (Int64, Float32, String, Array(Float32))}
SCHEMAS = st.lists(
    st.tuples(st.sampled_from("pqrs"), st.sampled_from(list(TYPES.values()))), min_size=1, max_size=4,
    unique_by=lambda field: field[0],
)  # fmt: skip


class Model(RuleBasedStateMachine):
    config = None  # set by the test

    def __init__(self) -> None:
        super().__init__()
        self.clock = clock.VirtualClock(100)
        self.using = clock.use(self.clock)
        self.using.__enter__()
        self.stores = [StreamrankOnlineStore(), StreamrankOnlineStore()]
        self.held: dict[str, tuple] = {}
        self.fields = [("p", Int64), ("q", String)]

    @property
    def view(self):
        return item_view(self.fields, ttl=TTL)

    @rule(
        data=st.data(), which=st.integers(0, 1), by=st.sampled_from(["columns", "rows", "async rows"]),
        keys=st.lists(st.none() | st.sampled_from(KEYS), min_size=1, max_size=4),
    )  # fmt: skip
    def write(self, data, which, by, keys):
        ages = [data.draw(st.integers(-2, 25)) for _ in keys]
        events = [self.clock.instant_us - age for age in ages]
        delays = [data.draw(st.none() | st.integers(-1, 1)) for _ in keys]
        columns = {name: [data.draw(st.none() | VALUES[str(dtype)]) for _ in keys] for name, dtype in self.fields}
        created = [event if delay is None else event + delay for event, delay in zip(events, delays, strict=True)]
        for at, key in enumerate(keys):
            if (
                key is not None
                and ages[at] <= 20
                and (key not in self.held or self.held[key][0] <= (events[at], created[at]))
            ):
                row = {(name, str(dtype)): columns[name][at] for name, dtype in self.fields}
                self.held[key] = ((events[at], created[at]), row)
        store, expired = (
            self.stores[which],
            sum(age > 20 and key is not None for key, age in zip(keys, ages, strict=True)),
        )
        if by == "columns":
            arrays = {name: pa.array(columns[name], ARROW[str(dtype)]) for name, dtype in self.fields}
            table = pa.table({"item_id": pa.array(keys, pa.string()), **arrays})
            written = store.write_columns(self.config, self.view, table, np.array(events), np.array(created))
            assert written.expired == expired and written.null_keys == keys.count(None)
            assert written.stored + written.older + expired + keys.count(None) == len(keys)
            return
        protos = {
            name: python_values_to_proto_values(columns[name], dtype.to_value_type()) for name, dtype in self.fields
        }
        rows = [
            (
                EntityKey(join_keys=["item_id"], entity_values=[Value() if key is None else Value(string_val=key)]),
                {name: protos[name][at] for name in protos}, moment(events[at]),
                None if delays[at] is None else moment(created[at]).replace(tzinfo=None),
            )
            for at, key in enumerate(keys)
        ]  # fmt: skip
        if by == "rows":
            store.online_write_batch(self.config, self.view, rows, None)
        else:
            asyncio.run(store.online_write_batch_async(self.config, self.view, rows, None))

    @rule(step=st.integers(1, 12))
    def wait(self, step):
        self.clock.advance_to(self.clock.instant_us + step)

    @rule(fields=SCHEMAS)
    def change_the_schema(self, fields):
        self.fields = fields

    @rule(which=st.integers(0, 1))
    def delete_the_view(self, which):
        self.stores[which].update(self.config, [self.view], [], [], [], partial=False)
        self.held = {}
        assert self.stores[which].connection(self.config).get_fields(b"streamrank:model:v!layouts") == {}

    @rule(which=st.integers(0, 1))
    def reconnect(self, which):
        asyncio.run(self.stores[which].close())
        self.stores[which] = StreamrankOnlineStore()

    @invariant()
    def reads_what_was_written(self):
        asked = [EntityKey(join_keys=["item_id"], entity_values=[Value(string_val=key)]) for key in [*KEYS, "nobody"]]
        expected = [self.expected(key) for key in [*KEYS, "nobody"]]
        for store in self.stores:
            assert [plain(row) for row in store.online_read(self.config, self.view, asked)] == expected
        later = asyncio.run(self.stores[0].online_read_async(self.config, self.view, asked))
        assert [plain(row) for row in later] == expected

    def expected(self, key):
        (event, _), row = self.held.get(key, ((-100, 0), {}))
        age = self.clock.instant_us - event
        if key not in self.held or age > 20:
            return None, None
        fields = [(name, str(dtype)) for name, dtype in self.fields]
        return moment(event), None if age > 10 else {each[0]: row[each] for each in fields if each in row}

    def teardown(self):
        self.stores[0].teardown(self.config, [], [])
        assert self.stores[0].connection(self.config).delete_prefix(b"streamrank:model:") == 0
        self.using.__exit__(None, None, None)
        for store in self.stores:
            asyncio.run(store.close())


ARROW = {"Int64": pa.int64(), "Float32": pa.float32(), "String": pa.string(), "Array(Float32)": pa.list_(pa.float32())}


def moment(us: int) -> datetime:
    return EPOCH + timedelta(microseconds=us)


def plain(row):
    event, values = row
    if values is None:
        return event, None
    return event, {name: feast_value_type_to_python_type(value) for name, value in values.items()}


def test_the_store_behaves_as_a_dictionary(tmp_path, redis_server):
    online = {"type": OURS, "connection_string": feast_connection(redis_server), "batch_size": 2}
    Model.config = repo_config(tmp_path, "model", online)
    quick = settings(max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(Model, settings=quick)
