"""What must hold of an event: expectations over whole columns, and in words what was found where one is broken."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from catalog.schema import EVENT_TYPES
from catalog.sql import file_list, query
from validation.casting import FAULTS
from validation.checks import broken

LONGEST_MS = 366 * 86_400_000  # sums stay exact: 285,000 of the longest stay below 2^53
LARGEST_VALUE = 1e9
ISO = "'%Y-%m-%dT%H:%M:%SZ'"
FOUND = {
    "unknown event_type": "event_type",
    "null key": "CASE event_type WHEN 'item_update' THEN 'no item_id' WHEN 'user_update' THEN 'no user_id' "
    "ELSE 'neither user_id nor item_id' END",
    "null time": "'no event_time'",
    "time in the future": f"strftime(greatest(event_time, arrival), {ISO})",
    "time before 1970": f"strftime(event_time, {ISO})",
    "negative watch_ms": "watch_ms::VARCHAR",
    "negative duration_ms": "duration_ms::VARCHAR",
    "watch_ms too large": "watch_ms::VARCHAR",
    "duration_ms too large": "duration_ms::VARCHAR",
    "value out of range": "value::VARCHAR",
    "attributes no JSON object": "no_object",
    "unreadable value": f"array_to_string({FAULTS}, ', ')",
    "duplicate event_id": "event_id || CASE WHEN taken THEN ' is in the log' ELSE ' stands in an earlier row' END",
}


def soundness(events: pa.Table, tolerance_us: int) -> pa.Array:
    """For each event what is wrong with it in itself, "" where nothing is."""
    import great_expectations.expectations as gxe

    between = gxe.ExpectColumnValuesToBeBetween
    expectations = {
        "unknown event_type": gxe.ExpectColumnValuesToBeInSet(column="event_type", value_set=list(EVENT_TYPES)),
        "null key": gxe.ExpectColumnValuesToNotBeNull(column="key"),
        "null time": gxe.ExpectColumnValuesToNotBeNull(column="time_us"),
        "time in the future": between(column="ahead_us", max_value=tolerance_us),
        "time before 1970": between(column="time_us", min_value=0),
        "negative watch_ms": between(column="watch_ms", min_value=0),
        "negative duration_ms": between(column="duration_ms", min_value=0),
        "watch_ms too large": between(column="watch_ms", max_value=LONGEST_MS),
        "duration_ms too large": between(column="duration_ms", max_value=LONGEST_MS),
        "value out of range": between(column="value", min_value=-LARGEST_VALUE, max_value=LARGEST_VALUE),
        "attributes no JSON object": between(column="no_objects", max_value=0),
        "unreadable value": between(column="unreadable", max_value=0),
    }
    frame = events.select(["event_type", "time_us", "ahead_us", "watch_ms", "duration_ms", "value"])
    counted = {"unreadable": pc.list_value_length(events[FAULTS]), "no_objects": _present(events["no_object"])}
    frame = frame.append_column("key", _present(events["key"], absent=None))
    for name, column in counted.items():
        frame = frame.append_column(name, column)
    return _reasons(events, broken(frame.to_pandas(), expectations))


def identity(sound: pa.Table, logged: Sequence[str]) -> pa.Array:
    """For each sound event whether its event_id stands in an earlier one or in the log, "" where it is new."""
    import great_expectations.expectations as gxe

    ids = pc.cast(sound["event_id"], pa.string()).combine_chunks()
    taken = pc.is_in(ids, value_set=_ids(logged))
    earlier = pa.table({"earlier": _came_before(ids) | taken.to_numpy(zero_copy_only=False)}).to_pandas()
    expectation = gxe.ExpectColumnValuesToBeInSet(column="earlier", value_set=[False])
    return _reasons(sound.append_column("taken", taken), broken(earlier, {"duplicate event_id": expectation}))


def _ids(logged: Sequence[str]) -> pa.Array:
    if not logged:
        return pa.array([], pa.string())
    return query(f"SELECT event_id FROM read_parquet({file_list(logged)})")["event_id"].combine_chunks()


def _came_before(ids: pa.Array) -> np.ndarray:
    """bool [n]: whether an equal id stands in an earlier place."""
    codes = ids.dictionary_encode().indices.to_numpy()  # numbered as they first appear, so a new one is the highest yet
    return np.diff(np.maximum.accumulate(codes), prepend=-1) == 0


def _present(column: pa.ChunkedArray, absent: int | None = 0) -> pa.ChunkedArray:
    return pc.if_else(pc.is_valid(column), pa.scalar(1), pa.scalar(absent, pa.int64()))


def _reasons(events: pa.Table, masks: dict[str, np.ndarray]) -> pa.Array:
    """One text a row: kind, colon and what was found, for each mask that is set, joined by "; "."""
    hit = {kind: mask for kind, mask in masks.items() if mask.any()}
    if not hit:
        return pa.repeat(pa.scalar("", pa.string()), len(events))
    flagged = events
    for place, mask in enumerate(hit.values()):
        flagged = flagged.append_column(f"broken_{place}", pa.array(mask))
    # A semicolon parts two reasons, so none may come out of a value.
    texts = ", ".join(
        f"CASE WHEN broken_{place} THEN '{kind}: ' || translate(left(coalesce({FOUND[kind]}, ''), 80), ';', ',') END"
        for place, kind in enumerate(hit)
    )
    sql = f"SELECT array_to_string(list_filter([{texts}], lambda text: text IS NOT NULL), '; ') AS reason FROM flagged"
    return query(sql, flagged=flagged)["reason"].combine_chunks()
