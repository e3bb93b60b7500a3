"""DuckDB on Arrow tables, always in UTC."""

import os
import threading
from collections.abc import Callable, Sequence

import duckdb
import pyarrow as pa

Ask = Callable[..., pa.Table]
"""`query` or `quick`."""


def query(sql: str, **tables: pa.Table) -> pa.Table:
    """The Arrow table that `sql` makes of `tables`, each visible under its name."""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for name, table in tables.items():
            connection.register(name, table)
        return connection.sql(sql).to_arrow_table()


def quick(sql: str, **tables: pa.Table) -> pa.Table:
    """The same on a connection that this thread keeps: for small tables, where opening one costs most of the time."""
    connection = _kept()
    for name, table in tables.items():
        connection.register(name, table)
    try:
        return connection.sql(sql).to_arrow_table()
    finally:
        for name in tables:
            connection.unregister(name)


def _kept() -> duckdb.DuckDBPyConnection:
    if getattr(_thread, "process", None) != os.getpid():  # a fork must not use its parent's
        _thread.connection, _thread.process = duckdb.connect(config={"threads": 1}), os.getpid()
        _thread.connection.execute("SET TimeZone = 'UTC'")
    return _thread.connection


def file_list(files: Sequence[str]) -> str:
    """`files` as a list literal, for read_parquet."""
    return "[" + ", ".join("'" + file.replace("'", "''") + "'" for file in files) + "]"


_thread = threading.local()
