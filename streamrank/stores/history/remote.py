"""Sources that DuckDB does not open itself: object stores, through Arrow's file systems, and Delta tables."""

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.fs as fs
from feast.infra.offline_stores.file_source import FileSource

from streamrank.stores.history.errors import HistoryError
from streamrank.stores.history.files import is_remote


def file_system(
    path: str, endpoint: str | None, credentials: dict[str, str] | None = None
) -> tuple[fs.FileSystem, str]:
    """The file system of a URI and the path in it. endpoint: Feast's s3_endpoint_override."""
    if path.startswith("s3://"):
        return FileSource.create_filesystem_and_path(path, endpoint or "", credentials)
    return fs.FileSystem.from_uri(path)


def remote_dataset(source: FileSource, path: str) -> ds.Dataset:
    """Parquet at a URI: an object, all below a prefix (Hive partitions as columns), or a glob."""
    system, place = file_system(path, source.s3_endpoint_override, source.resolve_credentials())
    try:
        return ds.dataset(_objects(system, place), filesystem=system, format="parquet", partitioning=_hive())
    except (OSError, pa.ArrowException) as error:
        raise HistoryError(
            f"source {path!r} cannot be read; check the path, s3_endpoint_override and credentials: {error}"
        ) from error


def delta_table(source: FileSource, path: str) -> list[str] | ds.Dataset:
    """A Delta table's current files, or a data set where reading them needs the table's log."""
    from deltalake import DeltaTable
    from deltalake.exceptions import DeltaError

    try:
        table = DeltaTable(path, storage_options=storage_options(source) if is_remote(path) else None)
        simple = not table.metadata().partition_columns and table.protocol().min_reader_version == 1
        files = table.file_uris() if simple and not is_remote(path) else []
        return files or table.to_pyarrow_dataset()
    except DeltaError as error:
        raise HistoryError(
            f"source {path!r}: expected a Delta table that deltalake reads, found none ({error}); write it with "
            f"deltalake.write_deltalake or correct the path"
        ) from error


def storage_options(source: FileSource) -> dict[str, str]:
    options = {key: value for key, value in (source.resolve_credentials() or {}).items() if value}
    endpoint = source.s3_endpoint_override
    if endpoint:
        address = endpoint if "://" in endpoint else f"https://{endpoint}"
        options |= {"AWS_ENDPOINT_URL": address}
        options |= {"AWS_ALLOW_HTTP": "true"} if address.startswith("http://") else {}
    return options


def _objects(system: fs.FileSystem, place: str) -> str | list[str]:
    if not any(sign in place for sign in "*?["):
        return place
    from pathlib import PurePosixPath

    base = place[: min(place.index(sign) for sign in "*?[" if sign in place)].rpartition("/")[0]
    below = system.get_file_info(fs.FileSelector(base, recursive=True))
    return sorted(info.path for info in below if info.is_file and _matches(PurePosixPath(info.path), place))


def _matches(path, pattern: str) -> bool:
    import re

    parts = (re.escape(part).replace(r"\*", "[^/]*").replace(r"\?", "[^/]") for part in pattern.split("**"))
    return re.fullmatch(".*".join(parts).replace("/.*/", "/(?:.*/)?"), str(path)) is not None


def _hive() -> ds.PartitioningFactory:
    return ds.HivePartitioning.discover(infer_dictionary=False)
