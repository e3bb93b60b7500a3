"""Small data sets for tests: events from plain dictionaries, in the neutral layout and on disk."""

from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from catalog.dataset import DataSet, Manifest
from catalog.schema import EVENTS, ITEMS, USERS
from streamrank.events.log import EventLog

DAY = 86_400_000_000


def event_table(events: Iterable[dict]) -> pa.Table:
    """Events with what they lack: an id, arrived_at = event_time, a position. Times are microseconds since 1970."""
    complete = [
        {"event_id": f"e{number}", "arrived_at": event["event_time"], "shard": 0, "log_position": number, **event}
        for number, event in enumerate(events)
    ]
    return pa.Table.from_pylist(complete, EVENTS)


def write_events(path: Path, events: Iterable[dict]) -> Path:
    pq.write_table(event_table(events), path)
    return path


def make_data_set(
    events: Iterable[dict], items: Iterable[dict] | None = None, users: Iterable[dict] | None = None
) -> DataSet:
    """The data set in use, with these events in its log; without items or users it has no such file."""
    data = DataSet.current()
    data.write_manifest(Manifest(name=data.name, source="test"))
    EventLog(data.events).append(event_table(events), "test", 1)
    if items is not None:
        pq.write_table(pa.Table.from_pylist(list(items), ITEMS), data.items)
    if users is not None:
        pq.write_table(pa.Table.from_pylist(list(users), USERS), data.users)
    return data
