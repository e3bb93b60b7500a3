"""What is recomputed from the log at a value's applied positions is what a server holds of it, to the bit."""

import itertools
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from feast import FeatureStore
from hypothesis import given, settings
from hypothesis import strategies as st
from windowed_histories import HOUR, LOG, VIEWS, fill, histories, view_of, windowed_store
from windowed_views import connected

from streamrank.events.shards import NEVER
from streamrank.stores.connection import Connection
from streamrank.stores.packing.keys import component, entity_keys
from streamrank.windows.deltas import deltas
from streamrank.windows.finishing import applied, finish_columns
from streamrank.windows.merging import merge
from streamrank.windows.offline.at_positions import at_positions
from streamrank.windows.spec import WindowedView, event_rows

KEYS = {"item_windows": {"item_id": ["a", "b", "never"]}, "topic_windows": {"topic": ["s", "t", "never"]}}
prefixes = (b"test_same_as_online:%d:" % number for number in itertools.count())


@pytest.fixture(scope="module")
def connection(redis_server: str):
    found = connected(redis_server)
    yield found
    found.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("windows")


@pytest.fixture(scope="module")
def store(folder: Path) -> FeatureStore:
    return windowed_store(folder)


@settings(max_examples=10, deadline=None)
@given(events=histories(), cuts=st.lists(st.integers(0, 40), min_size=2, max_size=5), after=st.integers(0, 3 * HOUR))
def test_finished_tiles_are_the_log_up_to_their_positions(
    connection: Connection, folder: Path, store: FeatureStore, events: list[dict], cuts: list[int], after: int
) -> None:
    """Of each shard another part is applied, in batches; the instant is the last arrival or later."""
    files = fill(folder, events).files()
    events = [{**event, "e": min(event["e"], event["p"])} for event in events]  # as the bus hands them on
    at_us = max((event["p"] for event in events), default=HOUR) + after
    for name, keys in KEYS.items():
        view = view_of(store, name)
        values = _merged(connection, view, events, cuts, keys)
        names = [one.name for one in VIEWS[name]]
        online = pa.table(finish_columns(view, values, names, at_us))
        rows = pa.table({**keys, "at_us": [at_us] * 3, "applied": applied(values).tolist()})
        with duckdb.connect(config={"threads": 1}) as duck:
            offline = at_positions(duck, view, files, rows, names)
        assert _bits(offline) == _bits(online)


def _merged(
    connection: Connection, view: WindowedView, events: list[dict], cuts: list[int], keys: dict[str, list]
) -> pa.LargeBinaryArray:
    """What the server holds of `keys` after the batches; of shard n one batch for each of n % 2 + 1 cuts."""
    prefix = next(prefixes)
    for shard in sorted({event["shard"] for event in events}):
        own = [event for event in events if event["shard"] == shard]
        bounds = sorted({0, *(cut % (len(own) + 1) for cut in cuts[: shard % 2 + 1])})
        for start, stop in itertools.pairwise(bounds):
            first, last = (own[start - 1]["p"] + 1 if start else NEVER + 1), own[stop - 1]["p"]
            _merge(connection, prefix, view, own[start:stop], {shard: first}, {shard: last})
    parts = [component(name, view.key_types[name], pa.array(column)) for name, column in keys.items()]
    return connection.fetch(entity_keys(prefix, parts, 3))


def _merge(connection: Connection, prefix: bytes, view: WindowedView, batch: list[dict], firsts: dict, lasts: dict):
    rows = [{**event, "event_time": event["e"], "log_position": event["p"]} for event in batch]
    with duckdb.connect(config={"threads": 1}) as duck:
        duck.register("events", pa.Table.from_pylist(rows, LOG))
        found = event_rows(duck, view)
    merge(connection, prefix, view, deltas(view, found, firsts, lasts), expires=False)


def _bits(table: pa.Table) -> dict[str, list]:
    columns = {name: table[name].to_pylist() for name in table.column_names}
    return {name: [None if value is None else np.float64(value).tobytes() for value in column]
            for name, column in columns.items()}  # fmt: skip
