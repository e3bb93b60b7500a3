"""Items and users as the data set keeps them: typed, one row an id, later files over earlier ones."""

import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from catalog.schema import ITEMS, USERS
from catalog.sql import query
from validation.casting import FAULTS, cast


def items_of(rows: pa.Table) -> tuple[pa.Table, pa.Table]:
    """(items in the layout of ITEMS, the rows with a fault as they came, with `row` and `reason`)."""
    return _conform(rows.select([name for name in rows.column_names if name in ITEMS.names]), ITEMS, "item_id")


def users_of(rows: pa.Table) -> tuple[pa.Table, pa.Table]:
    """The same for USERS, with the source's further columns kept behind."""
    return _conform(rows, USERS, "user_id")


def merge(path: Path, rows: pa.Table, key: str) -> pa.Table:
    """Writes `rows` over those of the same key in the Parquet file at `path`; the others stay. Returns them all."""
    held = pq.read_table(path) if path.exists() else rows.slice(0, 0)
    kept = held.filter(pc.invert(pc.is_in(held[key], value_set=rows[key].combine_chunks())))
    both = pa.concat_tables(_agreed(kept, rows), promote_options="permissive")
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    pq.write_table(both, partial)
    os.replace(partial, path)
    return both


def _agreed(held: pa.Table, rows: pa.Table) -> list[pa.Table]:
    """Both tables, with a further column that changed its type as text in both."""
    types = {field.name: field.type for field in held.schema}
    changed = [field.name for field in rows.schema if types.get(field.name, field.type) != field.type]
    return [_as_text(held, changed), _as_text(rows, changed)]


def _as_text(rows: pa.Table, columns: list[str]) -> pa.Table:
    values = ", ".join(f'"{name}"::VARCHAR AS "{name}"' for name in columns)
    return query(f"SELECT * REPLACE ({values}) FROM rows", rows=rows) if columns else rows


def _conform(rows: pa.Table, schema: pa.Schema, key: str) -> tuple[pa.Table, pa.Table]:
    """The last row of each key. A value that cannot be cast is null; a row without its key is left out."""
    further = [name for name in rows.column_names if name not in schema.names]
    typed = cast(rows, schema)
    for name in further:
        typed = typed.append_column(name, rows[name])
    typed = typed.append_column("row", pa.array(np.arange(len(rows))))
    reason = f"""array_to_string(CASE WHEN "{key}" IS NULL THEN list_prepend('{key}: missing', {FAULTS})
                 ELSE {FAULTS} END, '; ')"""
    faulty = query(f"SELECT row, {reason} AS reason FROM typed WHERE reason <> '' ORDER BY row", typed=typed)
    faulty = rows.take(faulty["row"]).append_column("row", faulty["row"]).append_column("reason", faulty["reason"])
    last = query(
        f'SELECT * EXCLUDE (row, {FAULTS}) FROM typed WHERE "{key}" IS NOT NULL '
        f'QUALIFY row_number() OVER (PARTITION BY "{key}" ORDER BY row DESC) = 1 ORDER BY row',
        typed=typed,
    )
    return last.cast(pa.schema([*schema, *(last.schema.field(name) for name in further)])), faulty
