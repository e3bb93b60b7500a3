"""Ratings on the scale that all else reads them on, 1 to 5, of which 4 counts as liked."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from catalog.errors import InputError
from catalog.sql import query

LOWEST, HIGHEST, LIKED = 1.0, 5.0, 4.0
OPTION = "--rating-scale LOW-HIGH"


@dataclass(frozen=True)
class Scale:
    """From the worst rating to the best."""

    low: float
    high: float

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise InputError(f"rating scale: expected the worst before the best, found {self.low:g} to {self.high:g}")

    @property
    def liked(self) -> float:
        """The least rating that counts as liked."""
        return self.low + (LIKED - LOWEST) / (HIGHEST - LOWEST) * (self.high - self.low)


def brought_to_five(file: Path, events: pa.Table, scale: Scale) -> pa.Table:
    """The events with the values of views and ratings on LOWEST to HIGHEST; what is no number stays for the door.

    InputError where there are no values, or some lie outside of the scale.
    """
    found = _found(events)
    if found is None:
        raise InputError(f"{file}: expected values of views or ratings to bring from a scale, found none")
    if found["low"] < scale.low or found["high"] > scale.high:
        raise InputError(
            f"{file}: expected ratings from {scale.low:g} to {scale.high:g}, as the rating scale says, found "
            f"{found['low']:g} to {found['high']:g}; correct {OPTION}"
        )
    span = HIGHEST - LOWEST
    value = f"{LOWEST} + (TRY_CAST(value AS DOUBLE) - ({scale.low})) * {span} / ({scale.high} - ({scale.low}))"
    kind = "VARCHAR" if pa.types.is_string(events.schema.field("value").type) else "DOUBLE"
    new = f"CASE WHEN {_rates(events)} THEN CAST({value} AS {kind}) ELSE CAST(value AS {kind}) END"
    numbered = events.append_column("__row", pa.array(np.arange(events.num_rows)))
    return query(f"SELECT * EXCLUDE __row REPLACE ({new} AS value) FROM events ORDER BY __row", events=numbered)


def told(events: pa.Table, scale: Scale | None) -> tuple[str, ...]:
    """What counts as liked, where the ratings, as they came, are not on the scale from 1 to 5."""
    if (found := _found(events, scale.liked if scale else LIKED)) is None:
        return ()
    share = f"{found['share']:.0%} of them do"
    if scale:
        came = f"ratings from {scale.low:g} to {scale.high:g} were brought to {LOWEST:g} to {HIGHEST:g}"
        return (f"{came}: {scale.liked:g} and more counts as liked, {share}",)
    if LIKED <= found["high"] <= HIGHEST:
        return ()
    ends = f"{found['low']:g} to {found['high']:g}"
    return (f"ratings lie from {ends}, and {LIKED:g} and more counts as liked: {share}; say their scale by {OPTION}",)


def _found(events: pa.Table, liked: float = LIKED) -> dict[str, float] | None:
    """The lowest and the highest rating, and the share that counts as liked; None where there are none."""
    if "value" not in events.column_names:
        return None
    value = "TRY_CAST(value AS DOUBLE)"
    told = query(
        f"""SELECT min({value}) AS low, max({value}) AS high, avg(({value} >= {liked})::INT) AS share FROM events
        WHERE {_rates(events)}""",
        events=events,
    ).to_pylist()[0]
    return None if told["low"] is None else told


def _rates(events: pa.Table) -> str:
    """SQL: whether an event's value is a rating; one without a type is a view."""
    kind = "coalesce(nullif(trim(event_type), ''), 'view')" if "event_type" in events.column_names else "'view'"
    return f"{kind} IN ('view', 'rating') AND isfinite(TRY_CAST(value AS DOUBLE))"
