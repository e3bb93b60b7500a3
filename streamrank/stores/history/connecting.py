"""One DuckDB connection a job: UTC, bounded memory, spill files of its own that go when the job ends."""

import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from streamrank.stores.history.errors import HistoryError


@dataclass(frozen=True)
class Limits:
    """memory: as DuckDB writes it ("4GB"). threads: at least 1. folder: where to spill. None: DuckDB's own choice."""

    memory: str | None = None
    threads: int | None = None
    folder: str | None = None


@contextmanager
def connected(limits: Limits) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection of its own; duckdb.Error raised inside comes out as HistoryError with DuckDB's words."""
    spill = Path(limits.folder or tempfile.gettempdir()) / f"streamrank-{uuid.uuid4().hex}"
    options = {"temp_directory": str(spill), "memory_limit": limits.memory, "threads": limits.threads}
    try:
        connection = duckdb.connect(config={name: value for name, value in options.items() if value is not None})
        try:
            connection.execute("SET TimeZone = 'UTC'; SET python_enable_replacements = false")
            yield connection
        finally:
            connection.close()
    except duckdb.OutOfMemoryException as error:
        raise HistoryError(
            f"memory_limit {limits.memory or 'of DuckDB'} and the spill folder {spill.parent} do not suffice; raise "
            f"offline_store.memory_limit, lower offline_store.threads or give a larger temp_directory: {error}"
        ) from error
    except duckdb.Error as error:
        raise HistoryError(_words(error)) from error
    finally:
        shutil.rmtree(spill, ignore_errors=True)


def quoted(name: str) -> str:
    """A column or table name in SQL."""
    return '"' + name.replace('"', '""') + '"'


def text(value: str) -> str:
    """A string in SQL."""
    return "'" + value.replace("'", "''") + "'"


def _words(error: duckdb.Error) -> str:
    return str(error).removeprefix("Invalid Input Error: ")
