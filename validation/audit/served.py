"""The served log in pieces of bounded size: which rows are audited, and where a row's keys and marks stand.

Files of one piece have the same columns, so a feature that one model does not take is not taken for a missing value.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from catalog.sql import file_list
from streamrank.events.shards import NEVER, SHARDS

PIECE_ROWS = 100_000
KEY, EVENT, CREATED, APPLIED, DIGEST = "key__", "__event_us", "__created_us", "__applied", "__digest"
SHARE = 2**64


@dataclass(frozen=True)
class Chosen:
    """Which served rows to audit. since_us: none older. sample: share of requests, by a hash of their id."""

    since_us: int | None = None
    sample: float = 1.0

    def condition(self) -> str:
        """SQL. The hash is another than the one by which whole requests are logged: a sample should hold both kinds."""
        chosen = [] if self.since_us is None else [f"as_of >= make_timestamptz({self.since_us})"]
        if self.sample < 1:
            chosen.append(f"md5_number_lower('audit' || request_id) < {round(self.sample * SHARE)}::HUGEINT")
        return " AND ".join(chosen) or "TRUE"


@dataclass(frozen=True)
class Piece:
    """Files of the same columns. features: those that hold what the ranker scored and a feature store gave; what
    sources of candidates said of a row is marked as made by them, and nothing that is stored says it again."""

    files: tuple[str, ...]
    columns: tuple[str, ...]
    features: tuple[str, ...]

    def read(self, chosen: Chosen, columns: Sequence[str] | None = None) -> pa.Table:
        """The chosen rows that were scored; a fallback has no features, so its rows are left out."""
        wanted = ", ".join(f'"{name}"' for name in columns or self.columns)
        return _query(
            f"SELECT {wanted} FROM {_scan(self.files)} WHERE fallback IS NULL AND {chosen.condition()}"
        ).combine_chunks()

    def fallbacks(self, chosen: Chosen) -> int:
        sql = f"SELECT count(*) AS n FROM {_scan(self.files)} WHERE fallback IS NOT NULL AND {chosen.condition()}"
        return _query(sql)["n"][0].as_py()

    def applied(self) -> list[str]:
        """The columns with applied positions."""
        return [name for name in self.columns if name.endswith(APPLIED)]

    def digested(self) -> list[str]:
        """The views of latest acts of which there are digests."""
        return [name.removesuffix(DIGEST) for name in self.columns if name.endswith(DIGEST)]


def pieces(folder: Path, since_us: int | None = None, rows: int = PIECE_ROWS) -> Iterator[Piece]:
    """The files below `folder` in pieces of about `rows` rows; days wholly before `since_us` are left out."""
    waiting: dict[pa.Schema, list[str]] = {}
    counted: dict[pa.Schema, int] = {}
    for file in _files(folder, since_us):
        about = pq.read_metadata(file)
        schema = about.schema.to_arrow_schema().remove_metadata()
        waiting.setdefault(schema, []).append(str(file))
        counted[schema] = counted.get(schema, 0) + about.num_rows
        if counted[schema] >= rows:
            yield _piece(schema, waiting.pop(schema))
            del counted[schema]
    for schema, files in waiting.items():
        yield _piece(schema, files)


def positions(rows: pa.Table, label: str) -> np.ndarray:
    """int64 [n, SHARDS] of a windowed view's applied positions, NEVER where there is none.

    ValueError where a list has another length.
    """
    column = rows[label + APPLIED].combine_chunks()
    there = np.asarray(pc.is_valid(column))
    lengths = np.unique(np.asarray(pc.list_value_length(column).drop_null()))
    if (lengths != SHARDS).any():
        raise ValueError(
            f"served log, column {label + APPLIED!r}: expected {SHARDS} positions a row, found {lengths.tolist()}; "
            f"it was written by another version: audit with --since"
        )
    found = np.full((len(column), SHARDS), NEVER, np.int64)
    found[there] = np.asarray(column.flatten().fill_null(NEVER), np.int64).reshape(-1, SHARDS)
    return found


def instants(rows: pa.Table) -> np.ndarray:
    """int64 [n], us UTC: when each row's request was made."""
    return np.asarray(rows["as_of"].cast(pa.timestamp("us", "UTC")).cast(pa.int64()))


def key_columns(rows: pa.Table, keys: Mapping[str, str], given_as: Mapping[str, str]) -> dict[str, pa.ChunkedArray]:
    """Join key -> column. A key that was reached stands under its own prefix; another one is what the request gave."""
    return {name: rows[column_of(rows.column_names, given, given_as)] for name, given in keys.items()}


def column_of(columns: Sequence[str], given: str, given_as: Mapping[str, str]) -> str:
    """The served log's column of a join key; ValueError when it has none."""
    for name in (KEY + given, given, given_as.get(given)):
        if name in columns:
            return name
    raise ValueError(
        f"served log: expected join key {given!r} as {KEY + given!r} or {given!r}, found {sorted(columns)}; "
        f"it was written by another version: audit with --since"
    )


def _files(folder: Path, since_us: int | None) -> list[Path]:
    first = "" if since_us is None else str(np.datetime64(since_us, "us").astype("datetime64[D]"))
    days = [day for day in sorted(folder.glob("served_on=*")) if day.name.partition("=")[2] >= first]
    return [file for day in days for file in sorted(day.glob("*.parquet")) if not file.name.startswith(".")]


def _piece(schema: pa.Schema, files: list[str]) -> Piece:
    features = tuple(field.name for field in schema if field.type == pa.float32() and not _of_sources(field))
    return Piece(tuple(files), tuple(schema.names), features)


def _of_sources(field: pa.Field) -> bool:
    return (field.metadata or {}).get(b"made_by") == b"sources"


def _scan(files: Sequence[str]) -> str:
    return f"read_parquet({file_list(files)}, hive_partitioning = false)"


def _query(sql: str) -> pa.Table:
    with duckdb.connect(config={"threads": 2}) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        return connection.sql(sql).to_arrow_table()
