"""The rules of the door, each declared once: Great Expectations judges files by them, Arrow judges requests.

A rule speaks of one column of `validation.offered`; how a broken one is told, SQL over the same columns says.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from catalog.schema import EVENT_TYPES
from validation.casting import FAULTS

MADE_BY_STREAM = ("session_start", "session")
TYPE_FOUND = f"""event_type || CASE WHEN event_type IN {MADE_BY_STREAM}
    THEN ' (the stream makes it of viewer_enter, viewer_ping and viewer_leave)' ELSE '' END"""
LONGEST_MS = 366 * 86_400_000  # sums stay exact: 285,000 of the longest stay below 2^53
LARGEST_VALUE = 1e9
ISO = "'%Y-%m-%dT%H:%M:%SZ'"


@dataclass(frozen=True)
class Rule:
    """What must hold of `column`: a value (present), one of `among`, or least <= value <= most.

    kind: the name of its breach. found: SQL for what was found instead. A null breaks no rule but a present one.
    """

    kind: str
    column: str
    found: str
    present: bool = False
    among: tuple[str, ...] = ()
    least: float | None = None
    most: float | None = None


Judge = Callable[[pa.Table, tuple[Rule, ...]], dict[str, np.ndarray]]
"""Which rows break which rule: kind -> bool [rows]."""


def event_rules(tolerance_us: int, arriving: bool = False) -> tuple[Rule, ...]:
    """What must hold of an offered event, in the order in which breaches are told.

    arriving: from a producer, who leaves to the stream what the stream makes itself; a log of the past has it already.
    """
    known = tuple(kind for kind in EVENT_TYPES if not (arriving and kind in MADE_BY_STREAM))
    return (
        Rule("unknown event_type", "event_type", TYPE_FOUND, among=known),
        Rule("null key", "key", "lacking", present=True),
        Rule("id no integer", "aliens", "alien", most=0),
        Rule("null time", "time_us", "'no event_time'", present=True),
        Rule("time in the future", "ahead_us", f"strftime(greatest(event_time, arrival), {ISO})", most=tolerance_us),
        Rule("time before 1970", "time_us", f"strftime(event_time, {ISO})", least=0),
        Rule("negative watch_ms", "watch_ms", "watch_ms::VARCHAR", least=0),
        Rule("negative duration_ms", "duration_ms", "duration_ms::VARCHAR", least=0),
        Rule("watch_ms too large", "watch_ms", "watch_ms::VARCHAR", most=LONGEST_MS),
        Rule("duration_ms too large", "duration_ms", "duration_ms::VARCHAR", most=LONGEST_MS),
        Rule("value out of range", "value", "value::VARCHAR", least=-LARGEST_VALUE, most=LARGEST_VALUE),
        Rule("attributes no JSON object", "no_objects", "no_object", most=0),
        Rule("unreadable value", "unreadable", f"array_to_string({FAULTS}, ', ')", most=0),
    )


def by_expectations(events: pa.Table, rules: tuple[Rule, ...]) -> dict[str, np.ndarray]:
    """Great Expectations judges whole columns: seconds to import, tens of milliseconds a table."""
    from validation.checks import broken

    frame = events.select(list(dict.fromkeys(rule.column for rule in rules))).to_pandas()
    return broken(frame, {rule.kind: _expectation(rule) for rule in rules})


def by_arrow(events: pa.Table, rules: tuple[Rule, ...]) -> dict[str, np.ndarray]:
    """The same judgement, in microseconds a rule."""
    return {rule.kind: _breaches(events[rule.column], rule) for rule in rules}


def _expectation(rule: Rule):
    import great_expectations.expectations as gxe

    if rule.present:
        return gxe.ExpectColumnValuesToNotBeNull(column=rule.column)
    if rule.among:
        return gxe.ExpectColumnValuesToBeInSet(column=rule.column, value_set=list(rule.among))
    return gxe.ExpectColumnValuesToBeBetween(column=rule.column, min_value=rule.least, max_value=rule.most)


def _breaches(column: pa.ChunkedArray, rule: Rule) -> np.ndarray:
    if rule.present:
        return _bools(pc.is_null(column))
    if rule.among:
        return _bools(pc.and_(pc.is_valid(column), pc.invert(pc.is_in(column, pa.array(rule.among)))))
    below = pc.less(column, rule.least) if rule.least is not None else None
    above = pc.greater(column, rule.most) if rule.most is not None else None
    beyond = below if above is None else above if below is None else pc.or_(below, above)
    return _bools(pc.fill_null(beyond, False))


def _bools(column: pa.ChunkedArray) -> np.ndarray:
    return column.combine_chunks().to_numpy(zero_copy_only=False)
