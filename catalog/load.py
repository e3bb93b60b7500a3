"""Brings a source into a data set: items and users, then its events through the door into the log, then the counts.

Each write is atomic and can be repeated, so a load that was cut off anywhere is completed by running it again.
"""

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from catalog import quarantine
from catalog.arrivals import filled, of_unknown_items, stamped
from catalog.attributes import items_of, merge, users_of
from catalog.bus import open_bus
from catalog.dataset import DataSet, DataSetMissing, Manifest
from catalog.errors import InputError
from catalog.held_back import held_back_of, keep_back
from catalog.schema import ITEMS, USERS
from catalog.shift import days_to_present, moved, moved_instant
from catalog.source import Source
from catalog.sql import file_list, query
from streamrank import clock, embedded
from streamrank.events.log import EventLog
from streamrank.settings import settings
from validation.events import admit

STEPS = ("check events at the door", "write items and users", "stamp events", "write the event log", "count")
Report = Callable[[str], None]


@dataclass(frozen=True)
class Loaded:
    """What a load did. added, rejected: events that it put into the log and into quarantine.

    already: the same content was in before, so none was added. manifest.counts tell of the whole data set.
    """

    manifest: Manifest
    added: int
    rejected: int
    already: bool


def load(
    source: Source, data: DataSet, shift_to_now: bool = False, report: Report = lambda step: None, hold_back: int = 0
) -> Loaded:
    """Fills `data` from `source`; the same content again adds nothing. `report` hears each of STEPS as it begins.

    shift_to_now: all times are moved by whole days until the last event lies in the day before now. A data set is moved
    as one: what is added to it later is moved by the same days. One that a single load made is made anew when the
    same content is asked for under other days. hold_back: the events of the last so many days are kept out of the log,
    in `data.held_back`, to be published. InputError when another kind of source has made `data`.
    """
    source = held_back_of(source, hold_back)
    with _alone(data):
        held, log = _held(data, source), EventLog(data.events)
        if _committed(source, log):
            if log.version() > 0 or held.shift_days == _days_asked(held, data, log, shift_to_now):
                report(STEPS[1])
                _write_attributes(source, data, held.shift_days)
                report(STEPS[4])
                return Loaded(_counted(_ruled(source.manifest, held), data, log), 0, 0, already=True)
            _clear(data)
            held = None
        return _fill(source, data, held, log, shift_to_now, report, hold_back)


def _fill(
    source: Source, data: DataSet, held: Manifest | None, log: EventLog, shift_to_now: bool, report: Report,
    hold_back: int,
) -> Loaded:  # fmt: skip
    report(STEPS[0])
    now, tolerance = clock.now_us(), settings().future_tolerance // timedelta(microseconds=1)
    admission = admit(source.events, log.files(), now, tolerance)
    days = days_to_present(admission.good["event_time"], now) if shift_to_now else 0
    days = held.shift_days if held and log.exists() else days
    report(STEPS[1])
    # The manifest stands before the rest, so that a log never lacks the days it was moved by.
    manifest = _manifest(source.manifest, held, data.name, days)
    data.write_manifest(manifest)
    quarantine.keep(data, "events", source.fingerprint, admission.bad, source.unreadable.get("events"))
    items = _write_attributes(source, data, days)
    report(STEPS[2])
    _require_streamed(data, log)
    taken = keep_back(moved(admission.good, days), hold_back, data.held_back)
    events = filled(stamped(taken, log), items, log.files())
    report(STEPS[3])
    log.append(events, _app_id(source), 1)
    report(STEPS[4])
    rejected = len(admission.bad) + len(source.unreadable.get("events", ()))
    return Loaded(_counted(manifest, data, log), len(events), rejected, already=False)


def _require_streamed(data: DataSet, log: EventLog) -> None:
    """InputError where the bus holds events that are not in the log yet: their positions would be given twice."""
    if embedded.status().running:
        waiting = int((open_bus(data.name).ends() > log.last_positions()).sum())
        if waiting:
            raise InputError(
                f"data set {data.name!r}: {waiting} shards of its bus hold events that the log lacks; let `streamrank "
                f"stream` write them and end it, or bring the file with `streamrank publish`"
            )


def _app_id(source: Source) -> str:
    return f"load:{source.fingerprint}"


def _committed(source: Source, log: EventLog) -> bool:
    return log.committed(_app_id(source)) >= 1


def _days_asked(held: Manifest, data: DataSet, log: EventLog, shift_to_now: bool) -> int:
    """The days by which the log's content would be moved if it were loaded now."""
    if not shift_to_now or not log.count():
        return 0
    files = [*log.files(), *([str(data.held_back)] if data.held_back.exists() else [])]
    last = query(f"SELECT max(event_time) AS last FROM read_parquet({file_list(files)}, union_by_name = true)")["last"]
    return held.shift_days + days_to_present(last, clock.now_us())


def _write_attributes(source: Source, data: DataSet, days: int) -> pa.Table:
    """Brings items and users into their files; returns all items."""
    tables = (
        ("items", source.items, ITEMS, items_of, data.items),
        ("users", source.users, USERS, users_of, data.users),
    )
    held = []
    for table, rows, schema, conform, path in tables:
        rows, faulty = conform(rows if rows is not None else schema.empty_table())
        held.append(merge(path, moved(rows, days), schema.names[0]))
        quarantine.keep(data, table, source.fingerprint, faulty, source.unreadable.get(table))
    return held[0]


def _manifest(found: Manifest, held: Manifest | None, name: str, days: int) -> Manifest:
    """The manifest of what was held and what was found: ids are integers only if they are in both."""
    ids = {
        kind: getattr(found, kind) if held is None or getattr(held, kind) == "integer" else "string"
        for kind in ("item_ids", "user_ids")
    }
    found = replace(found, name=name, shift_days=days, split_at=moved_instant(found.split_at, days), **ids)
    return _ruled(found, held, found) if held else found


def _ruled(found: Manifest, held: Manifest, onto: Manifest | None = None) -> Manifest:
    """`onto`, or `held`, with what is said now of repeats and of what is on air, else with what was said before."""
    if found.times != held.times:
        kinds = {"order": "numbers that are only an order", "instants": "instants"}
        raise InputError(
            f"data set {held.name!r} has event times that are {kinds[held.times]}, what is added has "
            f"{kinds[found.times]}: choose another --name, or --anew"
        )
    said = {
        name: getattr(held if getattr(found, name) is None else found, name) for name in ("repeats", "on_air_hours")
    }
    return replace(onto or held, **said)


def _counted(manifest: Manifest, data: DataSet, log: EventLog) -> Manifest:
    """Writes the manifest with the counts of what is there."""
    items, users = pq.read_table(data.items, columns=ITEMS.names), pq.read_metadata(data.users)
    counts = {
        "events": log.count(),
        "events of unknown items": of_unknown_items(items, log.files()),
        "items": len(items),
        "users": users.num_rows,
        **quarantine.counts(data),
    }
    manifest = replace(manifest, counts=counts)
    data.write_manifest(manifest)
    return manifest


def _held(data: DataSet, source: Source) -> Manifest | None:
    """The manifest of what is there, None where nothing is; InputError where it is not for `source` to fill."""
    if _clearing(data).exists():
        _clear(data)
    try:
        held = data.manifest()
    except DataSetMissing:
        if found := [path.name for path in (data.events, data.items, data.users) if path.exists()]:
            raise InputError(f"{data.home} holds {', '.join(found)} of something else: choose another --name") from None
        return None
    if held.source != source.manifest.source:
        raise InputError(
            f"data set {data.name!r} was made by `dataset {held.source}` and cannot take what "
            f"`dataset {source.manifest.source}` brings: choose another with --name"
        )
    return held


def _clear(data: DataSet) -> None:
    """Removes the data set; a manifest under another name says that this has begun, until it is done."""
    if (data.home / "dataset.json").exists():
        os.replace(data.home / "dataset.json", _clearing(data))
    for file in (data.items, data.users, data.held_back):
        file.unlink(missing_ok=True)
    for folder in (data.events, data.quarantine):
        if folder.exists():
            shutil.rmtree(folder)
    _clearing(data).unlink()


def _clearing(data: DataSet) -> Path:
    return data.home / "dataset.json.clearing"


@contextmanager
def _alone(data: DataSet) -> Iterator[None]:
    """Holds the data set's lock: two loads at once would give the same positions."""
    data.home.mkdir(parents=True, exist_ok=True)
    with (data.home / "load.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
