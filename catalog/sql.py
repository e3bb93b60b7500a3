"""DuckDB on Arrow tables, always in UTC."""

from collections.abc import Sequence

import duckdb
import pyarrow as pa


def query(sql: str, **tables: pa.Table) -> pa.Table:
    """The Arrow table that `sql` makes of `tables`, each visible under its name."""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for name, table in tables.items():
            connection.register(name, table)
        return connection.sql(sql).to_arrow_table()


def file_list(files: Sequence[str]) -> str:
    """`files` as a list literal, for read_parquet."""
    return "[" + ", ".join("'" + file.replace("'", "''") + "'" for file in files) + "]"
