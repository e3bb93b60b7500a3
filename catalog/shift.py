"""Moving a data set from the past to the present, by whole days so that hours and the order of events stay."""

from datetime import datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from streamrank.clock import DAY


def days_to_present(times: pa.ChunkedArray, now_us: int) -> int:
    """Whole days by which the last of `times` (timestamps, UTC) comes into the day before `now_us`; 0 for no times."""
    last = pc.max(pc.cast(times, pa.int64())).as_py()
    return 0 if last is None else (now_us - last) // DAY


def moved(rows: pa.Table, days: int) -> pa.Table:
    """`rows` with every timestamp column `days` later."""
    for place, field in enumerate(rows.schema):
        if days and pt.is_timestamp(field.type):
            later = pc.add(rows[field.name], pa.scalar(timedelta(days=days), pa.duration("us")))
            rows = rows.set_column(place, field, later)
    return rows


def moved_instant(instant: str | None, days: int) -> str | None:
    """An ISO instant `days` later."""
    return instant and (datetime.fromisoformat(instant) + timedelta(days=days)).isoformat()
