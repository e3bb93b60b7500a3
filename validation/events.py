"""The door: which of the events offered may enter the log, and why the others may not.

Types are cast value by value to the Arrow schema, then Great Expectations judges whole columns. What an event *is*
comes first (its type, keys, times, amounts); whether it is *new* is asked of the sound ones only, so that a broken row
never stands in the way of a sound one with the same event_id.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from catalog.schema import EVENTS
from catalog.sql import query, quick
from validation.casting import cast
from validation.event_checks import identity, soundness
from validation.offered import identified, offered
from validation.rules import by_expectations

GIVEN = pa.schema([field.with_nullable(True) for field in EVENTS if field.name not in ("shard", "log_position")])


@dataclass(frozen=True)
class Admission:
    """good: events in the columns of GIVEN, without nulls in event_id, event_time, arrived_at and event_type.

    bad: the other rows as they came, with `row` (their place in the offer, from 0) and `reason`. A reason is a kind, a
    colon and what was found; several are joined by "; ". Both keep the order of the offer; together they are the offer.
    """

    good: pa.Table
    bad: pa.Table


def admit(rows: pa.Table, logged: Sequence[str], now_us: int, tolerance_us: int) -> Admission:
    """Judges `rows`, whose columns may be any of GIVEN's in any type that can be read as its.

    logged: the Parquet files of the log, whose event_ids are taken. now_us: the present; a time later than it by up to
    `tolerance_us` is read as the present, and one later than its arrival by as much as the arrival. Without event_type:
    view. Without arrived_at: event_time. Without event_id: a hash of the row's content and how often it came before, so
    that the same rows get the same ids.
    """
    events = offered(identified(cast(rows, GIVEN), query), now_us, query)
    reasons = soundness(events, tolerance_us, by_expectations, query)
    sound = pc.equal(reasons, "")
    reasons = pc.replace_with_mask(reasons, sound, identity(events.filter(sound), logged))
    good = pc.equal(reasons, "")
    return Admission(_admitted(events.filter(good)), turned_away(rows, reasons, pc.invert(good)))


def counts_by_kind(reasons: pa.ChunkedArray) -> dict[str, int]:
    """Rows turned away for each kind of reason, most first; a row with several counts for each."""
    sql = """SELECT split_part(text, ':', 1) AS kind, count(*) AS rows
             FROM (SELECT unnest(string_split(reason, '; ')) AS text FROM bad) GROUP BY kind ORDER BY rows DESC, kind"""
    found = quick(sql, bad=pa.table({"reason": reasons}))
    return dict(zip(found["kind"].to_pylist(), found["rows"].to_pylist(), strict=True))


def _admitted(events: pa.Table) -> pa.Table:
    early = pc.less_equal(events["event_time"], events["arrived_at"])
    times = pc.if_else(early, events["event_time"], events["arrived_at"])
    place = events.schema.get_field_index("event_time")
    return events.set_column(place, events.schema.field(place), times).select(GIVEN.names).cast(GIVEN)


def turned_away(rows: pa.Table, reasons: pa.Array, bad: pa.Array) -> pa.Table:
    """The rows where `bad` is set, as they came, with `row` and `reason`."""
    places = pa.array(np.flatnonzero(bad))
    kept = {name: rows[name].take(places) for name in rows.column_names if name not in ("row", "reason")}
    return pa.table({**kept, "row": places, "reason": reasons.take(places)})
