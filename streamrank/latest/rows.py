"""The acts that a view's SQL makes of events, in the one form that both the log and a micro-batch are read in."""

import duckdb
import pyarrow as pa

from streamrank.latest.spec import KINDS, REALS, LatestView
from streamrank.windows.errors import DeclarationError
from streamrank.windows.rows import KEY_TYPES, quoted


def sql(view: LatestView, relation: str = "events") -> str:
    """SQL of the view's acts over `relation`, the name of a relation or anything that can stand behind FROM.

    Columns: the join keys (BIGINT, VARCHAR, TIMESTAMP or BLOB), event_us BIGINT (never above the position), shard
    INTEGER, log_position BIGINT, and the features under their names, one element each in its type. An act with a null
    key, or with a null in a column that is not of real numbers, is left out; an unknown real number is a NaN.
    The connection's TimeZone must be UTC.
    """
    events = "" if relation == "events" else f"events AS (FROM {relation}), "
    keys = [f"CAST({quoted(key)} AS {KEY_TYPES.get(view.key_types[key], 'VARCHAR')}) AS {quoted(key)}"
            for key in view.join_keys]  # fmt: skip
    time = f"epoch_us(CAST({quoted(view.source.timestamp_field)} AS TIMESTAMPTZ))"
    stamps = [f"least({time}, CAST(log_position AS BIGINT)) AS event_us", "CAST(shard AS INTEGER) AS shard",
              "CAST(log_position AS BIGINT) AS log_position"]  # fmt: skip
    values = [f"{_value(view, name)} AS {quoted(name)}" for name in view.columns]
    needed = [*view.join_keys, *(name for name, kind in view.columns.items() if kind not in REALS)]
    known = " AND ".join(f"{quoted(name)} IS NOT NULL" for name in needed)
    return (
        f"WITH {events}view_acts AS (\n{view.source.sql.strip().rstrip(';')}\n)\n"
        f"SELECT {', '.join([*keys, *stamps, *values])} FROM view_acts WHERE {known}"
    )


def ordered_sql(view: LatestView, relation: str = "events") -> str:
    """The same, by key and in the order of a key's acts."""
    return f"{sql(view, relation)} ORDER BY {', '.join([*map(quoted, view.join_keys), *order(view)])}"


def table(connection: duckdb.DuckDBPyConnection, view: LatestView, relation: str = "events") -> pa.Table:
    """The acts as a table, by key and in order. Raises DeclarationError where the SQL does not fit the relation."""
    connection.execute("SET TimeZone = 'UTC'")
    try:
        return connection.sql(ordered_sql(view, relation)).to_arrow_table()
    except duckdb.BinderException as error:
        raise DeclarationError(
            f"view {view.name!r}: the SQL of source {view.source.name!r} does not fit the events: {error}; correct the "
            f"column"
        ) from error


def order(view: LatestView) -> list[str]:
    """The columns by which a key's acts are ordered: those of one event are told apart by their values."""
    return ["log_position", *map(quoted, view.columns)]


def _value(view: LatestView, name: str) -> str:
    kind = view.columns[name]
    cast = f"CAST({quoted(name)} AS {KINDS[kind]})"
    return f"coalesce({cast}, 'NaN'::{KINDS[kind]})" if kind in REALS else cast
