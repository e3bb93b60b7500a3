"""Updates reach the online rows through the worker, and the batch job makes the same rows of the log, to the bit."""

import json
import random
import uuid
from datetime import timedelta

import duckdb
import pyarrow as pa
import pytest
from small_world import NOW

from streamrank import clock

FILED, SHOWS, USERS = ["41", "43", "48"], ["601", "602"], ["u1", "u2", "new"]
ITEMS = FILED + SHOWS
ITEM_COLUMNS = ["item_creator_id", "item_topics", "item_duration_ms", "item_year", "item_available_from"]
USER_COLUMNS = ["user_stated_topics", "user_age"]
NAMED = {
    "creator_id": ["c1", "c9", "", None], "topics": [["t1", "x"], "y|z", [], None], "duration_ms": [5, "77", "many"],
    "year": [1999, 2026.0, None], "available_from": ["2026-02-01T00:00:00Z", 1_770_000_000, "soon"],
    "age": [33, "44", None], "title": ["A title"],
}  # fmt: skip


def updates(count: int) -> pa.Table:
    """Some late by up to an hour, most naming few attributes, some none or nothing readable."""
    from catalog.schema import PUBLISHED

    chance, rows = random.Random(5), []
    for _ in range(count):
        item = chance.choice(ITEMS)
        kinds = ["item_update", "item_update", "user_update"]  # others rely on what of the items file is on air
        kind = chance.choice(kinds if item in FILED else [*kinds, "item_start", "item_end"])
        names = chance.sample(sorted(NAMED), chance.randint(0, 3))
        named = json.dumps({name: chance.choice(NAMED[name]) for name in names})
        rows.append({
            "event_id": uuid.uuid4().hex, "event_type": kind, "attributes": chance.choice([named, named, named, None]),
            "event_time": NOW - timedelta(seconds=chance.choice([0, 0, chance.randint(0, 3_600)])),
            "user_id": chance.choice(USERS) if kind == "user_update" else None,
            "item_id": None if kind == "user_update" else item,
        })  # fmt: skip
    last = {"event_id": "end-601", "event_type": "item_end", "event_time": NOW, "item_id": "601"}
    rows[-2:] = [last, last | {"event_id": "end-602", "item_id": "602"}]
    return pa.Table.from_pylist(rows, schema=PUBLISHED)


@pytest.fixture(scope="module")
def updated(world):
    """A world where updates came in small batches, were applied, and lie in the log."""
    from catalog.bus import open_bus
    from catalog.dataset import DataSet
    from catalog.schema import shard_keys
    from pipelines.streaming import open_log_writer, open_worker

    now = clock.VirtualClock(clock.microseconds(NOW))
    with world.entered(), clock.use(now):
        bus, worker, events = open_bus(), open_worker(DataSet.current()), updates(90)
        for start in range(0, 90, 9):
            part = events.slice(start, 9)
            bus.publish(part, shard_keys(part))
            worker.drain()
        worker.close()
        assert (bus.committed("windows") >= bus.ends()).all()
        now.advance_to(now.now_us() + clock.SECOND)
        open_log_writer(DataSet.current()).run_once()
        yield DataSet.current()


def online(view: str, key: str, ids: list[str], columns: list[str]) -> list[dict]:
    from pipelines.feature_store import open_store
    from streamrank.stores.reader import OnlineReader

    read = OnlineReader(open_store(), [f"{view}:{name}" for name in columns]).read({key: ids})
    found = {name: list(read.matrix[:, place]) for place, name in enumerate(read.names)}
    found |= {name: column.to_pylist() for name, column in read.columns.items()}
    state = read.rows[view]
    found |= {"e": state.event_us.tolist(), "c": state.created_us.tolist(), key: ids}
    return [_plain({name: found[name][row] for name in found}) for row in range(len(ids))]


def batch(sql_of, path, data, key: str, ids: list[str], columns: list[str]) -> list[dict]:
    """The last row of each key, as the batch job makes it."""
    from streamrank.events.log import EventLog

    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        sql = sql_of(connection, path, EventLog(data.events).files())
        times = "epoch_us(event_timestamp) AS e, epoch_us(created) AS c"
        last = f"QUALIFY row_number() OVER (PARTITION BY {key} ORDER BY event_timestamp DESC, created DESC) = 1"
        table = connection.sql(f"SELECT {key}, {times}, {', '.join(columns)} FROM ({sql}) {last}").to_arrow_table()
    rows = {row[key]: _plain(row) for row in table.to_pylist()}
    return [rows[each] for each in ids]


def _plain(row: dict) -> dict:
    return {name: None if value != value else value for name, value in row.items()}


def test_items_rows_are_the_same(updated):
    from pipelines.attributes import item_attributes

    found = online("item_attributes", "item_id", ITEMS, ITEM_COLUMNS)
    made = batch(item_attributes, updated.items, updated, "item_id", ITEMS, ITEM_COLUMNS)
    assert sorted(found[0]) == sorted(made[0])
    for one, other in zip(found, made, strict=True):
        assert one == other
    assert len({str(row) for row in found}) == len(ITEMS)


def test_users_rows_are_the_same(updated):
    from pipelines.attributes import user_attributes

    made = batch(user_attributes, updated.users, updated, "user_id", USERS, USER_COLUMNS)
    assert online("user_attributes", "user_id", USERS, USER_COLUMNS) == made


def test_a_materialization_of_the_batch_rows_changes_nothing(updated, world):
    from pipelines import feature_store
    from pipelines.batch_features import compute_batch_features

    before = online("item_attributes", "item_id", ITEMS, ITEM_COLUMNS)
    compute_batch_features(updated)
    feature_store.materialize_incremental(clock.now())
    assert online("item_attributes", "item_id", ITEMS, ITEM_COLUMNS) == before
