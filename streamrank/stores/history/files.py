"""Where a file source lies on disk: one file, a folder of them, or a glob."""

import glob
import os
from pathlib import Path
from urllib.parse import urlparse

from feast.infra.offline_stores.file_source import FileSource

from streamrank.stores.history.errors import HistoryError


def resolved(path: str, repo_path: Path | str | None) -> str:
    """`path` as it can be opened; a relative one is taken from the feature repository."""
    if path.startswith("file://"):
        return urlparse(path).path
    return FileSource.get_uri_for_file_path(repo_path=repo_path, uri=path)


def is_remote(path: str) -> bool:
    return "://" in path


def is_glob(path: str) -> bool:
    return any(sign in path for sign in "*?[") and not os.path.exists(path)


def data_files(path: str) -> list[str]:
    """The Parquet files at `path`, in one fixed order; HistoryError when there are none."""
    if os.path.isfile(path):
        return [path]
    if os.path.isdir(path):
        files = [file for file in _below(path) if file.endswith((".parquet", ".pq"))] or _below(path)
    else:
        files = sorted(file for file in glob.glob(path, recursive=True) if os.path.isfile(file))
    if not files:
        raise HistoryError(f"source {path!r}: expected Parquet files, found none; write them or correct its path")
    return files


def _below(folder: str) -> list[str]:
    """All files below `folder` but those that writers hide while or beside writing (`.name`, `_name`)."""
    found = []
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "_")))
        found += [os.path.join(parent, name) for name in sorted(names) if not name.startswith((".", "_"))]
    return found
