"""The rows that a view's SQL makes of events, in the one form that both the log and a micro-batch are reduced from."""

import duckdb
import pyarrow as pa
from feast.types import Bytes, Int32, Int64, UnixTimestamp

from streamrank.windows.errors import DeclarationError
from streamrank.windows.slots import Slot
from streamrank.windows.view import WindowedView

KEY_TYPES = {Int32: "BIGINT", Int64: "BIGINT", UnixTimestamp: "TIMESTAMP", Bytes: "BLOB"}


def sql(view: WindowedView, relation: str = "events") -> str:
    """SQL of the view's rows over `relation`, the name of a relation or anything that can stand behind FROM.

    Columns: the join keys (BIGINT, VARCHAR, TIMESTAMP or BLOB), event_us BIGINT, shard INTEGER, log_position BIGINT,
    and `slot_0`... for `view.slots`: of a count 0 or 1, of a sum the steps in fixed point (both BIGINT, 0 for null), of
    min, max and last a DOUBLE or null. Rows with a null key, or with nothing to aggregate, are left out.
    The connection's TimeZone must be UTC.
    """
    events = "" if relation == "events" else f"events AS (FROM {relation}), "
    keys = [f"CAST({quoted(key)} AS {KEY_TYPES.get(view.key_types[key], 'VARCHAR')}) AS {quoted(key)}"
            for key in view.join_keys]  # fmt: skip
    time = f"epoch_us(CAST({quoted(view.source.timestamp_field)} AS TIMESTAMPTZ)) AS event_us"
    stamps = [time, "CAST(shard AS INTEGER) AS shard", "CAST(log_position AS BIGINT) AS log_position"]
    slots = [f"{_slot(view, slot)} AS slot_{number}" for number, slot in enumerate(view.slots)]
    present = " OR ".join(f"{_present(view, column)}" for column in sorted({slot.column for slot in view.slots}))
    known = "".join(f"{quoted(key)} IS NOT NULL AND " for key in view.join_keys)
    return (
        f"WITH {events}view_rows AS (\n{view.source.sql.strip().rstrip(';')}\n)\n"
        f"SELECT {', '.join([*keys, *stamps, *slots])} FROM view_rows WHERE {known}({present})"
    )


def table(connection: duckdb.DuckDBPyConnection, view: WindowedView, relation: str = "events") -> pa.Table:
    """The rows as a table. Raises DeclarationError where the SQL does not fit the relation's columns."""
    connection.execute("SET TimeZone = 'UTC'")
    try:
        return connection.sql(sql(view, relation)).to_arrow_table()
    except duckdb.BinderException as error:
        raise DeclarationError(
            f"view {view.name!r}: the SQL of source {view.source.name!r} does not fit the events: {error}; correct the "
            f"column, or give a sum of fractions a scale"
        ) from error


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _present(view: WindowedView, column: str) -> str:
    return f"isfinite({_real(column)})" if column in view.scales else f"{quoted(column)} IS NOT NULL"


def _slot(view: WindowedView, slot: Slot) -> str:
    name, present = quoted(slot.column), _present(view, slot.column)
    if slot.function == "count":
        return f"CASE WHEN {present} THEN 1::BIGINT ELSE 0::BIGINT END"
    if slot.function == "sum" and slot.column in view.scales:
        steps = f"CAST(round({_real(slot.column)} * {view.scales[slot.column]}) AS BIGINT)"
        return f"CASE WHEN {present} THEN {steps} ELSE 0::BIGINT END"
    if slot.function == "sum":  # & takes integers only: fractions would silently be rounded by a cast
        return f"coalesce(CAST({name} & (-1)::BIGINT AS BIGINT), 0::BIGINT)"
    return f"CASE WHEN isnan({_real(slot.column)}) THEN NULL ELSE {_real(slot.column)} + 0.0 END"


def _real(column: str) -> str:
    """+ takes numbers only: text would be read as one, row by row."""
    return f"CAST({quoted(column)} + 0 AS DOUBLE)"
