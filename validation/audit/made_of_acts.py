"""A view of latest acts again: from the log's acts at exactly the position that was recorded."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from streamrank.events.shards import NEVER, SHARDS
from streamrank.latest.appending import packing
from streamrank.latest.digest import digests
from streamrank.latest.offline import Acts, key_kinds, laid, lists, spans_sql
from validation.audit.floors import Floors
from validation.audit.log import LogSnapshot
from validation.audit.question import Stored
from validation.audit.served import CREATED, EVENT, instants, key_columns


@dataclass(frozen=True)
class Rows:
    """columns: feature -> [n] lists, null where they are missing. digests: int64 [n] of the stored rows, 0 without one.

    beyond, lost: bool [n], rows made of acts that the log has not reached, and rows that lack acts which must have been
    applied.
    """

    columns: dict[str, pa.Array]
    digests: np.ndarray
    beyond: np.ndarray
    lost: np.ndarray


def from_acts(
    connection: duckdb.DuckDBPyConnection, view: Stored, rows: pa.Table, given_as: Mapping[str, str], log: LogSnapshot,
    floors: Floors,
) -> Rows:  # fmt: skip
    """The features of a view of latest acts for served rows [n]; a request asks once, however many items it ranks."""
    recorded, at_us = _us(rows, view, CREATED), instants(rows)
    keys = _keys(view, rows, given_as)
    asked = pa.table({**keys, "c": recorded, "at_us": at_us, "__row": np.arange(len(rows))})
    first, places = _distinct(connection, asked, [*keys, "c", "at_us"])
    asked = asked.take(pa.array(first)).set_column(asked.num_columns - 1, "__row", pa.array(np.arange(len(first))))
    found = _answer(connection, view, asked, log, floors)
    return _over_rows(view, found, _us(rows, view, EVENT), at_us, places)


@dataclass(frozen=True)
class _Found:
    """Of each distinct row its span at the recorded position, p and e there (NEVER where there is none), and whether it
    lacks something."""

    acts: Acts
    connection: duckdb.DuckDBPyConnection
    spans: pa.StructArray
    recorded: np.ndarray
    last: np.ndarray
    event_us: np.ndarray
    lost: np.ndarray
    beyond: np.ndarray


def _answer(
    connection: duckdb.DuckDBPyConnection, view: Stored, asked: pa.Table, log: LogSnapshot, floors: Floors
) -> _Found:
    recorded, at_us = (asked[name].to_numpy() for name in ("c", "at_us"))
    must = floors.at(at_us, np.repeat(recorded[:, None], SHARDS, axis=1))
    keys = asked.select([name for name in asked.column_names if name.startswith("k")])
    upto = keys.append_column("t", pa.array(np.maximum(recorded, must.max(axis=1))))
    _lay(connection, "audited_keys", upto)
    acts = laid(connection, view.latest, list(log.files), "audited_keys", "audited_acts")
    shards = _shards(connection, acts, keys)
    then = _spans(connection, acts, keys, recorded)
    due = _spans(connection, acts, keys, must[np.arange(len(must)), np.maximum(shards, 0)])
    last = _filled(then["p"])
    beyond = (recorded != NEVER) & (last != recorded) & (recorded > log.ends[log.ends != NEVER].min(initial=2**62))
    lost = (_filled(due["stop"]) > _filled(then["stop"])) & (shards >= 0)
    spans = pa.StructArray.from_arrays([_whole(then["first"]), _whole(then["stop"])], ["first", "stop"],
                                       mask=pa.array(last != recorded))  # fmt: skip
    return _Found(acts, connection, spans, recorded, last, _filled(then["e"]), lost, beyond)


def _over_rows(view: Stored, found: _Found, event_us: np.ndarray, at_us: np.ndarray, places: np.ndarray) -> Rows:
    columns = found.acts.columns(found.connection, list(view.latest.columns))
    made = {name: lists(found.spans, column) for name, column in columns.items()}
    there = (found.last == found.recorded) & (found.recorded != NEVER)
    values = packing(view.latest).pack(made, found.event_us, found.recorded)
    values = pc.if_else(pa.array(there), values, pa.scalar(None, values.type))
    wrong = (found.event_us[places] != event_us) | (view.ttl_us > 0) & (at_us - event_us > view.ttl_us)
    chosen = pa.array(places, mask=wrong | ~there[places])
    return Rows(
        {name: column.take(chosen) for name, column in made.items()}, digests(values)[places], found.beyond[places],
        found.lost[places],
    )  # fmt: skip


def _spans(connection: duckdb.DuckDBPyConnection, acts: Acts, keys: pa.Table, upto: np.ndarray) -> pa.Table:
    """first, stop, p and e of each row, null where it has none, of the acts up to a position."""
    _lay(connection, "audited", keys.append_column("t", pa.array(upto)))
    return connection.sql(
        f"SELECT s.first, s.stop, s.p, s.e FROM audited a LEFT JOIN ({spans_sql(acts, 'audited', aged=False)}) s "
        f"USING (g) ORDER BY a.g"
    ).to_arrow_table()


def _shards(connection: duckdb.DuckDBPyConnection, acts: Acts, keys: pa.Table) -> np.ndarray:
    """int64 [n], the shard of each row's key; NEVER where it has no acts."""
    names = ", ".join(acts.keys)
    _lay(connection, "audited", keys)
    found = connection.sql(
        f"SELECT s.shard FROM audited a LEFT JOIN (SELECT {names}, min(shard) AS shard FROM {acts.table} "
        f"GROUP BY ALL) s USING ({names}) ORDER BY a.g"
    ).to_arrow_table()
    return _filled(found["shard"])


def _lay(connection: duckdb.DuckDBPyConnection, name: str, rows: pa.Table) -> None:
    """A table of rows and their numbers g."""
    connection.register("laying", rows.append_column("g", pa.array(np.arange(len(rows)))))
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS FROM laying")
    connection.unregister("laying")


def _keys(view: Stored, rows: pa.Table, given_as: Mapping[str, str]) -> dict[str, pa.ChunkedArray]:
    """k0, ... in the order and types of the acts' keys."""
    given, kinds = key_columns(rows, view.keys, given_as), key_kinds(view.latest)
    texts = {"BIGINT": pa.int64(), "VARCHAR": pa.string(), "TIMESTAMP": pa.timestamp("us"), "BLOB": pa.binary()}
    return {f"k{place}": given[name].cast(texts[kind]) for place, (name, kind) in enumerate(kinds.items())}


def _distinct(
    connection: duckdb.DuckDBPyConnection, rows: pa.Table, names: Sequence[str]
) -> tuple[np.ndarray, np.ndarray]:
    """The first row of each distinct tuple, and the place of each row's tuple among them."""
    columns = ", ".join(names)
    connection.register("asked", rows)
    try:
        found = connection.sql(
            f"SELECT min(__row) OVER (PARTITION BY {columns}) AS first FROM asked ORDER BY __row"
        ).to_arrow_table()
    finally:
        connection.unregister("asked")
    return np.unique(np.asarray(found["first"]), return_inverse=True)


def _us(rows: pa.Table, view: Stored, end: str) -> np.ndarray:
    return _filled(rows[view.label + end])


def _filled(column: pa.ChunkedArray) -> np.ndarray:
    return np.asarray(_whole(column).cast(pa.int64()).fill_null(NEVER), np.int64)


def _whole(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
