"""From loose columns to the types of a schema, value by value: what cannot be cast is named, never guessed or lost.

A CSV's values are all strings and a Parquet file's types are its writer's, so each column is read by one SQL expression
for its pair of types. Empty strings and NaN are missing values.
"""

import numpy as np
import pyarrow as pa
import pyarrow.types as pt

from catalog.sql import Ask, query

FAULTS = "faults"
# A number that stands for an instant: the column's median tells its unit (each bound is past the year 5000 in it).
EPOCH_UNITS = ((1e11, 1_000_000), (1e14, 1_000), (1e17, 1))


def cast(rows: pa.Table, schema: pa.Schema, ask: Ask = query) -> pa.Table:
    """`rows` [n] as the columns of `schema`, in order, with a column `faults` behind them.

    Columns that `rows` lacks are null, columns that `schema` lacks are left out. faults: list of strings, one for each
    value that could not be cast (it is null in the result): "watch_ms: expected an integer, found 'abc'".
    ask: `query`, or `quick` for few rows.
    """
    present = [field for field in schema if field.name in rows.column_names]
    plain = _plain(rows.select([field.name for field in present]))
    values = "".join(
        f'"{field.name}" AS "given {field.name}", {_expression(plain, field, ask)} AS "{field.name}", '
        for field in present
    )
    numbered = plain.append_column("row", pa.array(np.arange(len(rows))))  # so that no column is one column
    read = f"SELECT {values} row FROM plain"
    typed = ask(f"SELECT *, {_faults(plain, present)} AS {FAULTS} FROM ({read})", plain=numbered)
    columns = [_column(typed, field) for field in schema]
    return pa.table([*columns, typed[FAULTS]], schema=_loose(schema).append(pa.field(FAULTS, pa.list_(pa.string()))))


def _column(typed: pa.Table, field: pa.Field) -> pa.ChunkedArray:
    if field.name not in typed.column_names:
        return pa.chunked_array([pa.nulls(len(typed), field.type)])
    return typed[field.name].cast(field.type)


def _loose(schema: pa.Schema) -> pa.Schema:
    return pa.schema([field.with_nullable(True) for field in schema])


def _plain(rows: pa.Table) -> pa.Table:
    """Dictionaries as their values, so that SQL sees the values' own type; nanoseconds down to microseconds."""
    for place, field in enumerate(rows.schema):
        if pt.is_dictionary(field.type):
            rows = rows.set_column(place, field.name, rows[field.name].cast(field.type.value_type))
        elif pt.is_timestamp(field.type):
            instants = rows[field.name].cast(pa.timestamp("us", field.type.tz), safe=False)
            rows = rows.set_column(place, field.name, instants)
    return rows


def _expression(rows: pa.Table, field: pa.Field, ask: Ask) -> str:
    """SQL that reads the column as the field's type, null where it cannot."""
    name, given = f'"{field.name}"', rows.schema.field(field.name).type
    if pt.is_timestamp(field.type):
        return _instant(rows, field.name, ask)
    if pt.is_list(field.type):
        return _list(name, given)
    if pt.is_string(field.type):
        return _string(name, given)
    number = f"nullif(trim({name}), '')" if pt.is_string(given) or pt.is_large_string(given) else name
    if pt.is_timestamp(given) or pt.is_nested(given):
        return f"CASE WHEN {name} IS NULL THEN NULL END::BIGINT"
    if pt.is_integer(field.type):
        return f"TRY_CAST({number} AS {'INTEGER' if field.type == pa.int32() else 'BIGINT'})"
    return f"CASE WHEN NOT isnan(TRY_CAST({number} AS DOUBLE)) THEN TRY_CAST({number} AS DOUBLE) END"


def _string(name: str, given: pa.DataType) -> str:
    if pt.is_floating(given):  # ids that a missing value made floating: 7.0 is 7
        whole = f"CASE WHEN {name} = trunc({name}) THEN TRY_CAST({name} AS BIGINT)::VARCHAR END"
        return f"CASE WHEN NOT isnan({name}) THEN coalesce({whole}, {name}::VARCHAR) END"
    if pt.is_nested(given):
        return f"CASE WHEN {name} IS NOT NULL THEN to_json({name})::VARCHAR END"
    return f"nullif(trim({name}::VARCHAR), '')"


def _list(name: str, given: pa.DataType) -> str:
    parts = f"{name}::VARCHAR[]" if _is_list(given) else f"string_split({name}::VARCHAR, '|')"
    return f"nullif(list_filter(list_transform({parts}, lambda part: trim(part)), lambda part: part <> ''), [])"


def _instant(rows: pa.Table, column: str, ask: Ask) -> str:
    name, given = f'"{column}"', rows.schema.field(column).type
    if pt.is_timestamp(given) or pt.is_date(given):
        return f"{name}::TIMESTAMPTZ"  # the session is in UTC, so a naive time is read as UTC
    if pt.is_integer(given) or pt.is_floating(given) or pt.is_decimal(given):
        return _epoch(rows, column, name, ask)
    if not (pt.is_string(given) or pt.is_large_string(given)):
        return "NULL::TIMESTAMPTZ"
    text = f"nullif(trim({name}), '')"
    instant = f"TRY_CAST({text} AS TIMESTAMPTZ)"
    finite = f"CASE WHEN isfinite({instant}) THEN {instant} END"  # 'infinity' is a time to SQL
    return f"coalesce({_epoch(rows, column, text, ask)}, {finite})"


def _epoch(rows: pa.Table, column: str, value: str, ask: Ask) -> str:
    """A number since the epoch. One unit for the column: a stray value must not be read in another than its own."""
    number = f"TRY_CAST({value} AS DOUBLE)"
    median = f"SELECT median(abs({number})) AS size FROM rows WHERE isfinite({number})"
    found = ask(median, rows=rows)["size"][0].as_py()
    factor = next((factor for bound, factor in EPOCH_UNITS if (found or 0) < bound), 0.001)
    exact = f"TRY_CAST({value} AS BIGINT) * {factor}" if factor >= 1 else f"TRY_CAST({value} AS BIGINT) // 1000"
    # Whole numbers stay integers, where a double would lose the last digits of a nanosecond time.
    return (
        f"CASE WHEN abs({number}) * {factor} < 9e15 THEN make_timestamptz("
        f"CASE WHEN {number} = trunc({number}) THEN {exact} ELSE round({number} * {factor})::BIGINT END) END"
    )


def _is_list(given: pa.DataType) -> bool:
    return pt.is_list(given) or pt.is_large_list(given) or pt.is_fixed_size_list(given)


def _faults(rows: pa.Table, fields: list[pa.Field]) -> str:
    found = [_fault(rows, field) for field in fields if not (pt.is_string(field.type) or pt.is_list(field.type))]
    return f"list_filter([{', '.join(found)}]::VARCHAR[], lambda fault: fault IS NOT NULL)"


def _fault(rows: pa.Table, field: pa.Field) -> str:
    name, given = f'"given {field.name}"', rows.schema.field(field.name).type
    if pt.is_floating(given):
        present = f"NOT isnan({name})"
    else:
        present = f"nullif(nullif(lower(trim({name}::VARCHAR)), ''), 'nan') IS NOT NULL"
    expected = _names(field.type)
    # Quotes and semicolons keep their own meaning in a reason, so they do not come out of the value.
    found = f"translate(left({name}::VARCHAR, 40), ';''', ',`')"
    return (
        f'CASE WHEN {present} AND "{field.name}" IS NULL '
        f"THEN '{field.name}: expected {expected}, found ''' || {found} || '''' END"
    )


def _names(target: pa.DataType) -> str:
    if pt.is_timestamp(target):
        return "a time"
    return "an integer" if pt.is_integer(target) else "a number"
