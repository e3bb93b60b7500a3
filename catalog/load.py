"""Brings a source into a data set: items and users, then its events through the door into the log, then the manifest.

Each write is atomic and can be repeated, so a load that was cut off anywhere is completed by running it again.
"""

import fcntl
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from catalog.attributes import fill, items_of, merge, users_of
from catalog.dataset import DataSet, DataSetMissing, Manifest
from catalog.errors import InputError
from catalog.schema import EVENTS, ITEMS, USERS
from catalog.shift import days_to_present, moved, moved_instant
from catalog.source import Source
from streamrank import clock
from streamrank.events.log import EventLog
from streamrank.events.shards import shards_of, stamp
from streamrank.settings import settings
from validation.events import admit

STEPS = ("items and users", "door", "attributes and stamps", "event log", "counts")
Report = Callable[[str], None]


@dataclass(frozen=True)
class Loaded:
    """What a load did. added, rejected: events of this load; already: its content was in before, so nothing came in."""

    manifest: Manifest
    added: int
    rejected: int
    already: bool


def load(source: Source, data: DataSet, shift_to_now: bool = False, report: Report = lambda step: None) -> Loaded:
    """Fills `data` from `source`; the same content again adds nothing. `report` hears each of STEPS as it begins.

    shift_to_now: all times are moved by whole days until the last event lies in the day before now.
    InputError when the data set was loaded from another kind of source.
    """
    with _alone(data):
        before = _manifest(data, source)
        log = EventLog(data.events)
        app_id = f"load:{source.fingerprint}"
        already = log.committed(app_id) >= 1
        report(STEPS[0])
        items, users = _write_attributes(source, data, 0)
        report(STEPS[1])
        now = clock.now_us()
        admission = admit(source.events, log.files(), now, int(settings().future_tolerance.total_seconds() * 1e6))
        days = days_to_present(admission.good["event_time"], now) if shift_to_now else 0
        report(STEPS[2])
        events = stamped(fill(moved(admission.good, days), items), log)
        report(STEPS[3])
        added = log.append(events, app_id, 1)
        if days:
            items = _write_attributes(source, data, days)[0]
        report(STEPS[4])
        manifest = replace(source.manifest, name=data.name, shift_days=days,
            split_at=moved_instant(source.manifest.split_at, days),
            counts={"events": log.count(), "items": items.num_rows, "users": users.num_rows})
        data.write_manifest(manifest)
        return Loaded(manifest, len(events) if added else 0, len(admission.bad), not added)


def stamped(events: pa.Table, log: EventLog) -> pa.Table:
    """`events` in the order of arrival, with shard, log_position and the arrival that the position makes."""
    order = pc.sort_indices(events, [("arrived_at", "ascending"), ("event_time", "ascending"), ("event_id", "ascending")])
    events = events.take(order)
    shards = shards_of(pc.coalesce(events["user_id"], events["item_id"]))
    positions = stamp(events["arrived_at"].cast(pa.int64()).to_numpy(), shards, log.last_positions())
    stamps = {
        "arrived_at": pa.array(positions).cast(EVENTS.field("arrived_at").type),
        "shard": pa.array(shards, pa.int32()),
        "log_position": pa.array(positions),
    }
    return pa.table([stamps.get(name, events[name] if name in events.column_names else None) for name in EVENTS.names], schema=EVENTS)


def _write_attributes(source: Source, data: DataSet, days: int) -> tuple[pa.Table, pa.Table]:
    items, _ = items_of(source.items) if source.items is not None else (ITEMS.empty_table(), None)
    users, _ = users_of(source.users) if source.users is not None else (USERS.empty_table(), None)
    return merge(data.items, moved(items, days), "item_id"), merge(data.users, users, "user_id")


def _manifest(data: DataSet, source: Source) -> Manifest | None:
    try:
        held = data.manifest()
    except DataSetMissing:
        return None
    if held.source != source.manifest.source:
        raise InputError(f"data set {data.name!r} was loaded by {held.source!r} and cannot take {source.manifest.source!r}; give another --name")
    return held


@contextmanager
def _alone(data: DataSet) -> Iterator[None]:
    """Holds the data set's lock: two loads at once would stamp the same positions."""
    data.home.mkdir(parents=True, exist_ok=True)
    with (data.home / "load.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
