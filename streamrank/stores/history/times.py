"""Times as whole microseconds since 1970 UTC, whatever the column: naive ones are UTC, finer ones are cut."""

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from streamrank import clock
from streamrank.stores.history.connecting import quoted, text
from streamrank.stores.history.errors import HistoryError, misfit

EXACT = ("TIMESTAMP", "TIMESTAMP WITH TIME ZONE")  # held by DuckDB as microseconds
REMEDY = "convert the column to a timestamp where the source is written, or name another one"


def microseconds_sql(column: str, duckdb_type: str, where: str) -> str:
    """SQL of a BIGINT for a time column; HistoryError where its type is no time. Text that is no time fails at run."""
    name = quoted(column)
    if duckdb_type in ("TIMESTAMP_NS", "TIMESTAMPTZ_NS"):  # a cast to microseconds would round to the future
        return f"(epoch_ns({name}) - (epoch_ns({name}) % 1000 + 1000) % 1000) // 1000"
    if duckdb_type.startswith("TIMESTAMP") or duckdb_type == "DATE":
        return f"epoch_us({name})"
    if duckdb_type == '"NULL"':
        return "NULL::BIGINT"
    if duckdb_type == "VARCHAR":
        complaint = text(f"{where}: expected a time, found text that is none: ")
        return (
            f"CASE WHEN {name} IS NULL THEN NULL ELSE coalesce(epoch_us(try_cast({name} AS TIMESTAMPTZ)), "
            f"error({complaint} || {name} || {text('; ' + REMEDY)})::BIGINT) END"
        )
    raise misfit(where, "a time (timestamp, date or text of one)", duckdb_type, REMEDY)


def instant_sql(column: str, duckdb_type: str, where: str) -> str:
    """SQL of a TIMESTAMPTZ for a time column."""
    if duckdb_type == "TIMESTAMP WITH TIME ZONE":
        return quoted(column)
    return f"make_timestamptz({microseconds_sql(column, duckdb_type, where)})"


def between_sql(column: str, duckdb_type: str, where: str, start_us: int | None, end_us: int | None) -> str:
    """SQL of a condition, both ends inclusive; on the bare column where that lets DuckDB skip row groups."""
    exact = duckdb_type in EXACT
    make = "make_timestamp" if duckdb_type == "TIMESTAMP" else "make_timestamptz"
    value = quoted(column) if exact else microseconds_sql(column, duckdb_type, where)
    bounds = [(">=", start_us), ("<=", end_us)]
    return " AND ".join(
        f"{value} {sign} {f'{make}({bound})' if exact else bound}" for sign, bound in bounds if bound is not None
    )


def microseconds(moment: datetime | None) -> int | None:
    return None if moment is None else clock.microseconds(pd.Timestamp(moment).to_pydatetime(warn=False))


def moment(instant_us: int | None) -> datetime | None:
    return (
        None if instant_us is None else datetime.fromtimestamp(0, UTC) + pd.Timedelta(instant_us, "us").to_pytimedelta()
    )


def as_instants(column: pa.ChunkedArray, where: str) -> pa.ChunkedArray:
    """Text and objects as timestamp[us, UTC], as Feast reads entity rows; times as they are."""
    if pa.types.is_timestamp(column.type) or pa.types.is_date(column.type):
        return column
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type) or pa.types.is_null(column.type)):
        raise misfit(where, "a time", str(column.type), "convert it to a timestamp")
    try:
        read = pd.to_datetime(column.to_pandas(), utc=True, format="ISO8601")
    except ValueError as error:
        raise HistoryError(
            f"{where}: expected a time, found text that is none ({error}); correct these rows"
        ) from error
    return pa.chunked_array([pa.Array.from_pandas(read).cast(pa.timestamp("us", "UTC"), safe=False)])


def column_microseconds(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """int64 microseconds of a timestamp or date column, cut off towards the past."""
    if pa.types.is_date(column.type):
        return column.cast(pa.timestamp("us")).cast(pa.int64())
    whole = column.cast(pa.int64())
    unit = column.type.unit
    if unit == "ns":
        return pa.chunked_array([_thousandths(chunk) for chunk in whole.chunks], pa.int64())
    return pc.multiply(whole, {"s": 1_000_000, "ms": 1_000, "us": 1}[unit])


def _thousandths(nanoseconds: pa.Array) -> pa.Array:
    floor = np.floor_divide(np.asarray(nanoseconds.fill_null(0)), 1_000)
    return pa.array(floor, mask=np.asarray(nanoseconds.is_null()))
