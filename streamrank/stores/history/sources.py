"""What DuckDB reads for a data source: a fixed list of Parquet files, or a table loaded for the job."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds
from feast.data_format import DeltaFormat, ParquetFormat
from feast.data_source import DataSource
from feast.infra.offline_stores.duckdb import _read_data_source
from feast.infra.offline_stores.file_source import FileSource

from streamrank.stores.history.connecting import text
from streamrank.stores.history.errors import HistoryError, misfit
from streamrank.stores.history.files import data_files, is_remote, resolved
from streamrank.stores.history.remote import delta_table, remote_dataset

FILE_ROWS = 2**40


@dataclass(frozen=True)
class Relation:
    """A relation in one connection. types: DuckDB type a column. row: SQL of a BIGINT that numbers its rows."""

    sql: str
    types: Mapping[str, str]
    row: str
    name: str

    def column(self, wanted: str, where: str) -> str:
        """`wanted`, when the source has it; HistoryError otherwise."""
        if wanted not in self.types:
            raise misfit(
                f"{where}, column {wanted!r}", "it in the source", f"only {', '.join(map(repr, self.types))}",
                "write the column, correct the declaration or map it with field_mapping",
            )  # fmt: skip
        return wanted


def read(
    connection: duckdb.DuckDBPyConnection,
    source: DataSource,
    repo_path: Path | str | None,
    columns: Sequence[str] | None,
) -> Relation:
    """`source` as a relation. `columns`: those that will be asked for (None: all), so that a load carries no others.

    Raises HistoryError when there is no such file or it cannot be read.
    """
    name = source.path if isinstance(source, FileSource) else source.name
    found = _find(source, repo_path)
    if isinstance(found, list):
        return _files(connection, found, name)
    return _loaded(connection, found, columns, name)


def column_names(connection: duckdb.DuckDBPyConnection, source: FileSource, repo_path: Path | str | None) -> list[str]:
    """The columns of `source`, without reading its rows."""
    found = _find(source, repo_path)
    return list(_files(connection, found, source.path).types) if isinstance(found, list) else found.schema.names


def column_types(source: FileSource, repo_path: Path | str | None) -> pa.Schema:
    """The Arrow schema of `source`, for Feast's inference of features."""
    found = _find(source, repo_path)
    if isinstance(found, list):
        found = ds.dataset(found, format="parquet", partitioning=ds.HivePartitioning.discover(infer_dictionary=False))
    return found.schema


def _find(source: DataSource, repo_path: Path | str | None) -> list[str] | ds.Dataset | pa.Table:
    if not isinstance(source, FileSource):
        return _read_data_source(source, str(repo_path)).to_pyarrow()
    path = resolved(source.path, repo_path)
    if isinstance(source.file_format, DeltaFormat):
        return delta_table(source, path)
    if source.file_format is not None and not isinstance(source.file_format, ParquetFormat):
        raise misfit(f"source {source.path!r}", "Parquet or Delta", str(source.file_format), "write it as one of them")
    return remote_dataset(source, path) if is_remote(path) else data_files(path)


def _files(connection: duckdb.DuckDBPyConnection, files: list[str], name: str) -> Relation:
    several = len(files) > 1
    hive = any("=" in part for part in Path(files[0]).parts[:-1])
    options = f"union_by_name = {several}, hive_partitioning = {hive}"
    sql = f"read_parquet([{', '.join(map(text, files))}], {options})"
    row = f"file_index::BIGINT * {FILE_ROWS} + file_row_number" if several else "file_row_number"
    return Relation(sql, _types(connection, sql, name), row, name)


def _loaded(
    connection: duckdb.DuckDBPyConnection, data: ds.Dataset | pa.Table, columns: Sequence[str] | None, name: str
) -> Relation:
    known = [column for column in data.schema.names if columns is None or column in columns]
    table = f"source_{_count(connection)}"
    scanner = data.scanner(columns=known) if isinstance(data, ds.Dataset) else data.select(known)
    connection.register("loading", scanner)
    try:
        connection.execute(f"CREATE TABLE {table} AS SELECT * FROM loading")
    finally:
        connection.unregister("loading")
    return Relation(table, _types(connection, table, name), "rowid", name)


def _types(connection: duckdb.DuckDBPyConnection, sql: str, name: str) -> dict[str, str]:
    try:
        described = connection.execute(f"DESCRIBE SELECT * FROM {sql}").fetchall()
    except duckdb.Error as error:
        raise HistoryError(
            f"source {name!r} cannot be read; check that it holds whole Parquet files: {error}"
        ) from error
    return {column: kind for column, kind, *_ in described}


def _count(connection: duckdb.DuckDBPyConnection) -> int:
    return connection.execute("SELECT count(*) FROM duckdb_tables()").fetchall()[0][0]
