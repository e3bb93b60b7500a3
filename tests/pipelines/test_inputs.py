"""The catalogue knows from the log what started and ended, and from the items file what nothing was said of."""

import json
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from catalog.arrivals import stamped
from catalog.dataset import DataSet, Manifest
from catalog.schema import EVENTS, ITEMS
from pipelines.inputs import catalogue
from streamrank import clock
from streamrank.events.log import EventLog

NOW = datetime(2026, 3, 1, tzinfo=UTC)
EARLIER, LATER = NOW - timedelta(days=1), NOW + timedelta(days=1)


def event(minute: int, kind: str, item: str, **attributes: str) -> dict:
    time = EARLIER + timedelta(minutes=minute)
    return {
        "event_id": f"{minute}", "event_type": kind, "item_id": item, "event_time": time, "arrived_at": time,
        "shard": 0, "log_position": 0, "attributes": json.dumps(attributes),
    }  # fmt: skip


@pytest.fixture
def data(tmp_path):
    made = DataSet(tmp_path / "shows")
    made.write_manifest(Manifest("shows", "files"))
    rows = [
        {"item_id": item, "available_from": EARLIER, "available_until": LATER} for item in ("film", "moved", "over")
    ]
    pq.write_table(pa.Table.from_pylist(rows, schema=ITEMS), made.items)
    events = [
        event(1, "item_start", "show"), event(2, "item_start", "gone"), event(3, "item_end", "gone"),
        event(4, "item_update", "moved", available_from=NOW.isoformat()), event(5, "item_end", "over"),
        event(6, "view", "unheard"), event(7, "item_start", "soon", available_from=LATER.isoformat()),
    ]  # fmt: skip
    log = EventLog(made.events)
    with clock.use(clock.VirtualClock(clock.microseconds(NOW))):
        log.append(stamped(pa.Table.from_pylist(events, schema=EVENTS), log), "load", 1)
        yield made


def test_times_are_what_events_said_last_and_else_the_files(data):
    found = {row["item_id"]: (row["available_from"], row["available_until"]) for row in catalogue(data).to_pylist()}
    minute = timedelta(minutes=1)
    assert found == {
        "film": (EARLIER, LATER), "moved": (NOW, LATER), "over": (EARLIER, EARLIER + 5 * minute),
        "show": (EARLIER + minute, None), "gone": (EARLIER + 2 * minute, EARLIER + 3 * minute),
        "unheard": (None, None), "soon": (LATER, None),
    }  # fmt: skip
