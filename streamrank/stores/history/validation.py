"""Whether a source is what its declaration says, before anything is asked of it or written to it."""

import logging
from pathlib import Path

import duckdb
import pyarrow as pa
from feast.feature_view import FeatureView
from feast.infra.offline_stores.file_source import FileSource

from streamrank.stores.history.errors import HistoryError, misfit
from streamrank.stores.history.files import data_files, is_remote, resolved
from streamrank.stores.history.sources import column_names, read
from streamrank.stores.history.times import microseconds_sql

logger = logging.getLogger(__name__)


def check_source(connection: duckdb.DuckDBPyConnection, source: FileSource, repo_path: Path | str | None) -> None:
    """HistoryError where a declared time column is missing or no time; a warning where there are no files yet."""
    path = resolved(source.path, repo_path)
    if is_remote(path):
        return
    try:
        data_files(path)
    except HistoryError as error:
        logger.warning("%s", error)
        return
    mapped = {feature: column for column, feature in (source.field_mapping or {}).items()}
    names = [name for name in (source.timestamp_field, source.created_timestamp_column) if name]
    relation = read(connection, source, repo_path, [*names, *(mapped.get(name, name) for name in names)])
    for name in names:
        column = relation.column(mapped.get(name, name), f"source {source.path!r}")
        microseconds_sql(column, relation.types[column], f"source {source.path!r}, column {column!r}")


def check_rows(
    connection: duckdb.DuckDBPyConnection, view: FeatureView, table: pa.Table, repo_path: Path | str | None
) -> None:
    """HistoryError where a table to be written has other columns than the view's source, or in another order."""
    expected = column_names(connection, view.batch_source, repo_path)
    if expected != table.column_names:
        raise misfit(
            f"view {view.name!r}, source {view.batch_source.path!r}", f"columns {expected} in this order",
            str(table.column_names), "select them",
        )  # fmt: skip
