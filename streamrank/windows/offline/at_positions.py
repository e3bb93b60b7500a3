"""A windowed view's features for given keys, at times or at recorded positions, beside no other view."""

from collections.abc import Sequence

import duckdb
import numpy as np
import pyarrow as pa

from streamrank.events.shards import NEVER
from streamrank.windows.offline.answering import at_positions_tables, at_times_tables
from streamrank.windows.offline.events import Events, events_of
from streamrank.windows.rows import quoted
from streamrank.windows.spec import WindowedView

ROWS = "windowed_rows"


def at_times(
    connection: duckdb.DuckDBPyConnection, view: WindowedView, log_files: Sequence[str], rows: pa.Table,
    names: Sequence[str],
) -> pa.Table:  # fmt: skip
    """The features `names` [n] in their declared types, of what had arrived at the time; null where missing.

    rows: [n], the join keys and at_us (int64, microseconds). A row with a null key has no features.
    """
    events = events_of(view, log_files).among("instants", rows.num_rows)
    tables = [_instants(view, events, "")]
    tables += at_times_tables(view, events, "instants", _features(view, names), "answered")
    return _answer(connection, rows, tables, names)


def at_positions(
    connection: duckdb.DuckDBPyConnection, view: WindowedView, log_files: Sequence[str], rows: pa.Table,
    names: Sequence[str], applied: str = "applied",
) -> pa.Table:  # fmt: skip
    """As `at_times`, of the events up to a position of each shard in place of those that had arrived.

    rows: has the column `applied` too, list<int64> [n, SHARDS]: the position up to which each shard counts, that one
    included; null or NEVER for a shard of which nothing counts.
    """
    events = events_of(view, log_files).among("instants", rows.num_rows)
    keys = ", ".join(events.keys)
    lookups = (
        f"SELECT i.* EXCLUDE (applied), s.shard, coalesce(i.applied[s.shard + 1], {NEVER}) AS known "
        f"FROM instants i JOIN (SELECT DISTINCT {keys}, shard FROM {events.sql}) s USING ({keys})"
    )
    tables = [_instants(view, events, f", {quoted(applied)} AS applied"), f"lookups AS MATERIALIZED ({lookups})"]
    tables += at_positions_tables(view, events, "instants", "lookups", _features(view, names), "answered")
    return _answer(connection, rows, tables, names)


def _features(view: WindowedView, names: Sequence[str]) -> dict:
    known = {feature.name: feature for feature in view.features}
    return {name: known[name] for name in names}


def _instants(view: WindowedView, events: Events, more: str) -> str:
    keys = [
        f"CAST({quoted(name)} AS {kind}) AS {key}"
        for (name, kind), key in zip(events.types.items(), events.keys, strict=True)
    ]
    present = " AND ".join(f"{quoted(name)} IS NOT NULL" for name in view.join_keys)
    return (
        f"instants AS MATERIALIZED (SELECT __g AS g, at_us AS t, {', '.join(keys)}{more} FROM {ROWS} WHERE {present})"
    )


def _answer(
    connection: duckdb.DuckDBPyConnection, rows: pa.Table, tables: Sequence[str], names: Sequence[str]
) -> pa.Table:
    """The last of `tables`, for every row in order."""
    picked = ", ".join(f"a.{quoted(name)}" for name in names)
    connection.execute("SET TimeZone = 'UTC'")
    connection.register(ROWS, rows.append_column("__g", pa.array(np.arange(rows.num_rows))))
    try:
        return connection.sql(
            f"WITH {', '.join(tables)} SELECT {picked} FROM {ROWS} r LEFT JOIN answered a ON a.g = r.__g ORDER BY r.__g"
        ).to_arrow_table()
    finally:
        connection.unregister(ROWS)
