"""Labelled rows for tests, from what matters of each."""

import pyarrow as pa
from histories import DAY

from pipelines.labels import LABELLED

START = 20_000 * DAY


def labelled_rows(*rows: dict) -> pa.Table:
    """Rows of LABELLED with what they lack; shown_at is given in microseconds after START."""
    filled = [
        {
            "user_id": "u",
            "item_id": f"i{number}",
            "request_id": None,
            "surface": None,
            "label": number % 2,
            "weight": 1.0,
            "slot": None,
            **row,
            "shown_at": START + row.get("shown_at", number),
            "known_at": START + row.get("shown_at", number) + row.get("after", 1),
        }
        for number, row in enumerate(rows)
    ]
    return pa.Table.from_pylist([{name: row[name] for name in LABELLED.names} for row in filled], LABELLED)
