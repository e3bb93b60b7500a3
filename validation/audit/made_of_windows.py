"""A windowed view's values again: from the log's events at exactly the positions that were recorded."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from streamrank.events.shards import SHARDS
from validation.audit.floors import Floors, lists
from validation.audit.log import LogSnapshot
from validation.audit.question import Stored
from validation.audit.served import instants, key_columns, positions

_MIX = np.random.default_rng(20).integers(1, 2**63, SHARDS, dtype=np.uint64) * np.uint64(2) + np.uint64(1)


@dataclass(frozen=True)
class Recomputed:
    """columns: feature -> [n] of its declared type, null where missing.

    beyond: bool [n], rows whose recorded positions the log has not reached. lost: feature -> bool [n], values that lack
    events that must have been applied.
    """

    columns: dict[str, pa.Array]
    beyond: np.ndarray
    lost: dict[str, np.ndarray]


def from_windows(
    connection: duckdb.DuckDBPyConnection, view: Stored, names: Sequence[str], rows: pa.Table,
    given_as: Mapping[str, str], log: LogSnapshot, floors: Floors,
) -> Recomputed:  # fmt: skip
    """The features `names` of a windowed view for served rows [n]."""
    applied = positions(rows, view.label)
    keys = {name: _whole(column) for name, column in key_columns(rows, view.keys, given_as).items()}
    keyed = np.logical_and.reduce([np.asarray(pc.is_valid(column)) for column in keys.values()])
    at_us = instants(rows)
    asked = pa.table(keys | {"at_us": at_us, "mark": _mark(applied), "__row": np.arange(len(rows))})
    first, places = _distinct(connection, asked, [*keys, "at_us", "mark"])
    keys = {name: column.take(pa.array(first)) for name, column in keys.items()}
    must = floors.at(at_us[first], applied[first])
    behind = np.flatnonzero((must > applied[first]).any(axis=1))
    # Both in one question, since reading the log costs more than answering for twice as many rows.
    twice = np.concatenate([np.arange(len(first)), behind])
    asked = pa.table({name: column.take(pa.array(twice)) for name, column in keys.items()} | {
        "at_us": at_us[first][twice], "applied": lists(np.concatenate([applied[first], must[behind]])),
    })  # fmt: skip
    found = _answers(connection, view, asked, names, log)
    recorded = {name: column.slice(0, len(first)) for name, column in found.items()}
    due = {name: column.slice(len(first)) for name, column in found.items()}
    null = pa.array(places, mask=~keyed)
    return Recomputed(
        {name: recorded[name].take(null) for name in names},
        (applied > log.ends).any(axis=1),
        {name: _differing(recorded[name], due[name], behind)[places] & keyed for name in names},
    )


def _answers(
    connection: duckdb.DuckDBPyConnection, view: Stored, rows: pa.Table, names: Sequence[str], log: LogSnapshot
) -> dict[str, pa.Array]:
    """The features of rows with keys, at_us and applied, from the events up to these positions."""
    from streamrank.windows.offline.at_positions import at_positions

    found = at_positions(connection, view.windowed, list(log.files), rows, list(names))
    return {name: _whole(found[name]) for name in names}


def _distinct(
    connection: duckdb.DuckDBPyConnection, rows: pa.Table, names: Sequence[str]
) -> tuple[np.ndarray, np.ndarray]:
    """The first row of each distinct tuple, and the place of each row's tuple among them: a request asks once for its
    user, however many items it ranks."""
    columns = ", ".join(f'"{name}"' for name in names)
    connection.register("asked", rows)
    try:
        found = connection.sql(
            f"SELECT __row, min(__row) OVER (PARTITION BY {columns}) AS first FROM asked ORDER BY __row"
        ).to_arrow_table()
    finally:
        connection.unregister("asked")
    return np.unique(np.asarray(found["first"]), return_inverse=True)


def _mark(applied: np.ndarray) -> np.ndarray:
    """uint64 [n], equal where all positions are, and for others by a chance of one in 2^64."""
    return (applied.astype(np.uint64) * _MIX).sum(axis=1, dtype=np.uint64)


def _differing(recorded: pa.Array, due: pa.Array, behind: np.ndarray) -> np.ndarray:
    """bool [m]: where the values at `behind` are not `due`."""
    before = recorded.take(pa.array(behind))
    same = pc.fill_null(pc.equal(before, due), False)
    both_null = pc.and_(pc.is_null(before), pc.is_null(due))
    found = np.zeros(len(recorded), np.bool_)
    found[behind] = ~np.asarray(pc.or_(same, both_null))
    return found


def _whole(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
