"""Answers as files and tables: streamed, whole or not at all."""

import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.fs as fs
import pyarrow.parquet as pq
from feast.data_format import DeltaFormat
from feast.errors import SavedDatasetLocationAlreadyExists
from feast.infra.offline_stores.file_source import FileSource, SavedDatasetFileStorage
from feast.saved_dataset import SavedDatasetStorage

from streamrank.stores.history.errors import misfit
from streamrank.stores.history.files import is_remote, resolved
from streamrank.stores.history.remote import file_system, storage_options


def write_parquet(pieces: Iterator[pa.Table], path: str) -> None:
    """One file at `path`, which appears once it is whole. Pieces are cast to the schema of the first."""
    if is_remote(path):
        _write(pieces, *file_system(path, None))
        return
    place = Path(path)
    place.parent.mkdir(parents=True, exist_ok=True)
    unfinished = beside(place)
    try:
        _write(pieces, fs.LocalFileSystem(), str(unfinished))
        os.replace(unfinished, place)
    finally:
        unfinished.unlink(missing_ok=True)


def persist(
    pieces: Iterator[pa.Table], storage: SavedDatasetStorage, repo_path: Path | str | None, allow_overwrite: bool
) -> None:
    """Writes a saved data set: a file, a folder of Parquet, or a Delta table, local or remote."""
    if not isinstance(storage, SavedDatasetFileStorage):
        raise misfit("persist", "SavedDatasetFileStorage", type(storage).__name__, "store the data set as files")
    source = storage.to_data_source()
    path = resolved(source.path, repo_path)
    if not allow_overwrite and _exists(path, source):
        raise SavedDatasetLocationAlreadyExists(location=source.path)
    if isinstance(source.file_format, DeltaFormat):
        _write_delta(pieces, source, path)
    elif is_remote(path):
        _write_remote(pieces, source, path)
    elif path.endswith(".parquet"):
        write_parquet(pieces, path)
    else:
        _write_folder(pieces, Path(path))


def stage(pieces: Iterator[pa.Table], location: str, endpoint: str | None) -> list[str]:
    """Writes to a new place below a staging location; its files' paths."""
    path = f"{location.rstrip('/')}/{uuid.uuid4().hex}/part-0.parquet"
    if is_remote(path):
        _write(pieces, *file_system(path, endpoint))
    else:
        write_parquet(pieces, path)
    return [path]


def beside(place: Path) -> Path:
    """A hidden path in the same folder, that readers of the folder skip."""
    return place.parent / f".{place.name}.{uuid.uuid4().hex}"


def _write(pieces: Iterator[pa.Table], system: fs.FileSystem, path: str) -> None:
    first = next(pieces)
    with pq.ParquetWriter(path, first.schema, filesystem=system) as writer:
        writer.write_table(first)
        for piece in pieces:
            writer.write_table(piece.cast(first.schema))


def _write_folder(pieces: Iterator[pa.Table], folder: Path) -> None:
    unfinished = beside(folder)
    try:
        write_parquet(pieces, str(unfinished / "part-0.parquet"))
        if folder.exists():
            old = beside(folder)
            os.replace(folder, old)
            os.replace(unfinished, folder)
            shutil.rmtree(old) if old.is_dir() else old.unlink()
        else:
            os.replace(unfinished, folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _write_delta(pieces: Iterator[pa.Table], source: FileSource, path: str) -> None:
    from deltalake import write_deltalake

    first = next(pieces)
    batches = (batch for piece in _after(first, pieces) for batch in piece.cast(first.schema).to_batches())
    write_deltalake(
        path, pa.RecordBatchReader.from_batches(first.schema, batches), mode="overwrite", schema_mode="overwrite",
        storage_options=storage_options(source) if is_remote(path) else None,
    )  # fmt: skip


def _write_remote(pieces: Iterator[pa.Table], source: FileSource, path: str) -> None:
    system, place = file_system(path, source.s3_endpoint_override, source.resolve_credentials())
    if not place.endswith(".parquet"):
        if system.get_file_info(place).type != fs.FileType.NotFound:
            system.delete_dir_contents(place)
        place = f"{place.rstrip('/')}/part-0.parquet"
    _write(pieces, system, place)


def _after(first: pa.Table, rest: Iterator[pa.Table]) -> Iterator[pa.Table]:
    yield first
    yield from rest


def _exists(path: str, source: FileSource) -> bool:
    if not is_remote(path):
        return os.path.exists(path)
    system, place = file_system(path, source.s3_endpoint_override, source.resolve_credentials())
    return system.get_file_info(place).type != fs.FileType.NotFound
