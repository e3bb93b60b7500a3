"""The files of KuaiRand, in the layout of its download or as Parquet."""

from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from catalog.errors import InputError

PARQUET = ("exposures.parquet", "users.parquet", "videos.parquet")
DOWNLOAD = ("log_standard_*.csv", "user_features_*.csv", "video_features_basic_*.csv")


@dataclass(frozen=True)
class Files:
    exposures: tuple[Path, ...]
    users: tuple[Path, ...]
    videos: tuple[Path, ...]

    def all(self) -> tuple[Path, ...]:
        return self.exposures + self.users + self.videos


def find(folder: Path) -> Files:
    """The files in `folder` or in the `data` folder of the unpacked download; InputError when there are none."""
    if not folder.is_dir():
        raise InputError(f"KuaiRand: {folder} is no folder; give --path the folder that holds its files")
    for place in (folder, folder / "data"):
        for layout in (PARQUET, DOWNLOAD):
            found = [tuple(sorted(place.glob(pattern))) for pattern in layout]
            if any(found):
                return _complete(place, layout, found)
    raise InputError(
        f"KuaiRand: expected {', '.join(PARQUET)} or {', '.join(DOWNLOAD)} in {folder}; found {_names(folder)}"
    )


def table(files: tuple[Path, ...], columns: tuple[str, ...]) -> pa.Table:
    """The rows of `files` one below the other, all columns; InputError when one of `columns` is lacking."""
    with duckdb.connect() as connection:
        relation = connection.read_parquet if files[0].suffix == ".parquet" else _csv(connection)
        for file in files:
            _refuse_lacking(file, _columns(relation, file), columns)
        return relation([str(file) for file in files]).to_arrow_table()


def _csv(connection: duckdb.DuckDBPyConnection):
    # sample_size -1: types come from whole files, so that a late "1.0" or "UNKNOWN" is no surprise.
    return lambda paths: connection.read_csv(paths, header=True, sample_size=-1)


def _columns(relation, file: Path) -> list[str]:
    try:
        return relation(str(file)).columns
    except duckdb.Error as error:
        raise InputError(f"KuaiRand: {file} cannot be read: {str(error).splitlines()[0]}") from error


def _refuse_lacking(file: Path, found: list[str], expected: tuple[str, ...]) -> None:
    if lacking := [column for column in expected if column not in found]:
        raise InputError(f"KuaiRand: {file} lacks column {', '.join(lacking)}; found {', '.join(found)}")


def _complete(place: Path, layout: tuple[str, ...], found: list[tuple[Path, ...]]) -> Files:
    if lacking := [pattern for pattern, files in zip(layout, found, strict=True) if not files]:
        raise InputError(f"KuaiRand: expected {', '.join(lacking)} in {place}; found {_names(place)}")
    return Files(*found)


def _names(folder: Path) -> str:
    names = sorted(entry.name for entry in folder.iterdir())
    return ", ".join(names[:10]) + (", ..." if len(names) > 10 else "") if names else "nothing"
