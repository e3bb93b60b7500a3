"""Logged features, added to a folder."""

from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds
from feast.infra.offline_stores.file_source import FileLoggingDestination

from streamrank.stores.history.files import is_remote, resolved
from streamrank.stores.history.remote import file_system
from streamrank.stores.history.writing import add_files, add_objects


def write_logs(data: pa.Table | Path, destination: FileLoggingDestination, repo_path: Path | str | None) -> None:
    """Adds a table, or the Parquet files at a path, to the destination; `partition_by` as Hive folders."""
    rows = data if isinstance(data, pa.Table) else ds.dataset(data, format="parquet")
    path = resolved(destination.path, repo_path)
    if is_remote(path):
        add_objects(rows, *file_system(path, destination.s3_endpoint_override), destination.partition_by)
    else:
        add_files(rows, Path(path), destination.partition_by)
