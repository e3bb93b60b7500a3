"""The body of `POST /events` as a table: a JSON array of objects, or {"events": [...]}.

Only its form is judged here; what an event may be is the door's to say, row by row.
"""

import json
from typing import Any

import pyarrow as pa
from pydantic_core import from_json

from catalog.objects import table_of

MOST_EVENTS = 10_000
LARGEST_BODY = 8 << 20  # bytes


class BadBody(ValueError):
    """The body as a whole cannot be read; the message says where."""


def rows_of(body: bytes) -> pa.Table:
    """The events of a body, a column for each name that any of them has; BadBody names the row that is no object."""
    return table_of(_events(body))


def _events(body: bytes) -> list[dict[str, Any]]:
    try:
        found = from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise BadBody(f"body: expected JSON, found something else: {error}") from error
    events = found.get("events") if isinstance(found, dict) else found
    if not isinstance(events, list):
        raise BadBody('body: expected a JSON array of events, or {"events": [...]}')
    if len(events) > MOST_EVENTS:
        raise BadBody(f"body: expected at most {MOST_EVENTS:,} events, found {len(events):,}; send them in parts")
    if set(map(type, events)) - {dict}:
        row = next(row for row, event in enumerate(events) if not isinstance(event, dict))
        raise BadBody(f"row {row}: expected an object, found {json.dumps(events[row])[:80]}")
    return events
