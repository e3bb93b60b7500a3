"""Rows added to a source: into a file by replacing it, into a folder as new files, into a Delta table as a commit."""

import fcntl
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.fs as fs
import pyarrow.parquet as pq
from feast.data_format import DeltaFormat
from feast.infra.offline_stores.file_source import FileSource

from streamrank.stores.history.errors import HistoryError, misfit
from streamrank.stores.history.files import data_files, is_glob, is_remote, resolved
from streamrank.stores.history.remote import file_system, storage_options
from streamrank.stores.history.saving import beside


def append(source: FileSource, repo_path: Path | str | None, table: pa.Table) -> None:
    """Adds `table` to a source that exists. A reader sees the source without it or with all of it.

    Raises HistoryError where the columns cannot be cast to the source's, or a glob leaves open which file to write.
    """
    path = resolved(source.path, repo_path)
    if isinstance(source.file_format, DeltaFormat):
        _append_delta(source, path, table)
    elif is_remote(path):
        _append_remote(source, path, table)
    elif os.path.isdir(path):
        _append_folder(Path(path), table)
    elif is_glob(path):
        raise misfit(f"source {path!r}", "a file or a folder to write to", "a glob", "declare the folder as the source")
    else:
        _append_file(Path(path), table)


def add_files(data: pa.Table | ds.Dataset, folder: Path, partition_by: list[str] | None) -> None:
    """Adds `data` to a folder as new files, each visible once whole; `partition_by` as Hive folders."""
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = beside(folder / "adding")
    try:
        ds.write_dataset(
            data, unfinished, format="parquet", basename_template=f"{uuid.uuid4().hex}-{{i}}.parquet",
            partitioning=_hive(data, partition_by),
        )  # fmt: skip
        for file in sorted(unfinished.rglob("*.parquet")):
            place = folder / file.relative_to(unfinished)
            place.parent.mkdir(parents=True, exist_ok=True)
            os.replace(file, place)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def add_objects(data: pa.Table | ds.Dataset, system: fs.FileSystem, place: str, partition_by: list[str] | None) -> None:
    """Adds `data` below a prefix of an object store as new objects; `partition_by` as Hive folders."""
    ds.write_dataset(
        data, place, filesystem=system, format="parquet", basename_template=f"{uuid.uuid4().hex}-{{i}}.parquet",
        partitioning=_hive(data, partition_by), existing_data_behavior="overwrite_or_ignore",
    )  # fmt: skip


def _hive(data: pa.Table | ds.Dataset, partition_by: list[str] | None) -> ds.Partitioning | None:
    schema = pa.schema([data.schema.field(name) for name in partition_by or []])
    return ds.partitioning(schema, flavor="hive") if partition_by else None


def _append_file(place: Path, table: pa.Table) -> None:
    with _locked(place):
        unfinished = beside(place)
        try:
            with pq.ParquetFile(place) as before:
                schema = before.schema_arrow
                rows = _as_schema(table, schema, place)
                with pq.ParquetWriter(unfinished, schema) as writer:
                    for batch in before.iter_batches():
                        writer.write_batch(batch)
                    writer.write_table(rows)
            os.replace(unfinished, place)
        finally:
            unfinished.unlink(missing_ok=True)


def _append_folder(folder: Path, table: pa.Table) -> None:
    files = data_files(str(folder))
    partitions = [part.partition("=")[0] for part in Path(files[0]).relative_to(folder).parts[:-1] if "=" in part]
    schema = pq.read_schema(files[0])
    kept = [name for name in table.column_names if name not in partitions]
    rows = _as_schema(table.select(kept), schema, folder)
    for name in partitions:
        rows = rows.append_column(name, table[name])
    add_files(rows, folder, partitions or None)


def _append_delta(source: FileSource, path: str, table: pa.Table) -> None:
    from deltalake import DeltaTable, write_deltalake

    options = storage_options(source) if is_remote(path) else None
    schema = pa.schema(DeltaTable(path, storage_options=options).schema().to_arrow())
    write_deltalake(path, _as_schema(table, schema, path), mode="append", storage_options=options)


def _append_remote(source: FileSource, path: str, table: pa.Table) -> None:
    system, place = file_system(path, source.s3_endpoint_override, source.resolve_credentials())
    if place.endswith(".parquet"):  # an object appears whole, when its upload is complete
        before = pq.read_table(place, filesystem=system, partitioning=None)
        rows = pa.concat_tables([before, _as_schema(table, before.schema, path)])
        pq.write_table(rows, place, filesystem=system)
        return
    schema = ds.dataset(place, filesystem=system, format="parquet").schema
    pq.write_table(
        _as_schema(table, schema, path), f"{place.rstrip('/')}/{uuid.uuid4().hex}.parquet", filesystem=system
    )


def _as_schema(table: pa.Table, schema: pa.Schema, path: Path | str) -> pa.Table:
    try:
        return table.select(schema.names).cast(schema)
    except (KeyError, ValueError, pa.ArrowException) as error:
        raise HistoryError(
            f"source {str(path)!r}: expected rows of its columns {schema.names}, found {table.column_names} ({error}); "
            f"write these columns in these types"
        ) from error


@contextmanager
def _locked(place: Path) -> Iterator[None]:
    """One writer at a time: locks the file at `place`, anew when another writer replaced it meanwhile."""
    while True:
        with place.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if os.fstat(file.fileno()).st_ino == os.stat(place).st_ino:
                yield
                return
