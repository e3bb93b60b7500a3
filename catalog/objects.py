"""JSON objects as a table: a column for each name, in the one type that its values have."""

import json
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from catalog.schema import PUBLISHED


def table_of(objects: Sequence[dict[str, Any]]) -> pa.Table:
    """The objects [n] as n rows for the door. Names that no event has are columns too, without their values."""
    names = dict.fromkeys(name for each in objects for name in each)
    columns = {name: _column([each.get(name) for each in objects], name) for name in names}
    if not columns:  # so that empty objects are rows all the same
        columns = {"event_id": pa.nulls(len(objects), pa.string())}
    return pa.table(columns)


def _column(values: list[Any], name: str) -> pa.Array:
    """Values of several types, and types that no column has, come as text: the door says what is amiss with each."""
    if name not in PUBLISHED.names:
        return pa.nulls(len(values))
    if name == "attributes":
        return _texts(values)
    try:
        column = pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        return _texts(values)
    return _texts(values) if pa.types.is_boolean(column.type) else column


def _texts(values: list[Any]) -> pa.Array:
    return pa.array([_text(value) for value in values], pa.string())


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, list):
        return "|".join(str(part) for part in value if part is not None)
    return json.dumps(value)
