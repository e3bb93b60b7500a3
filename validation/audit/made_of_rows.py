"""A row view's values again: those of the source's row with exactly the times that were read."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from streamrank.events.shards import NEVER
from streamrank.stores.history.asof import column_of, time_sql
from streamrank.stores.history.connecting import quoted
from streamrank.stores.history.declared import as_declared
from streamrank.stores.history.parts import Feature, Part, part_of
from streamrank.stores.history.sources import Relation, read
from validation.audit.question import Stored
from validation.audit.served import CREATED, EVENT, instants, key_columns


def from_rows(
    connection: duckdb.DuckDBPyConnection, view: Stored, names: Sequence[str], rows: pa.Table,
    given_as: Mapping[str, str], repo_path: Path | str | None,
) -> tuple[dict[str, pa.Array], np.ndarray]:  # fmt: skip
    """The features `names` of a row view for served rows [n], of their declared types, null where they are missing; and
    bool [n], rows that became known after all that the source has: it has not been computed that far yet.

    They are missing where no row was read, where the source has no row with the key and the two times that were
    recorded, and where the row had outlived its TTL.
    """
    part = part_of(view.view, tuple(Feature(name, name, view.types[name]) for name in names))
    relation = read(connection, part.source, repo_path, part.columns)
    found, reached = _matched(connection, part, relation, _recorded(view, rows, given_as))
    places = np.full(len(rows), -1, np.int64)
    places[np.asarray(found["__row"])] = np.arange(len(found))
    created_us = np.asarray(rows[view.label + CREATED].combine_chunks().fill_null(NEVER))
    beyond = (places < 0) & (created_us > reached)
    if view.ttl_us:
        event_us = np.asarray(rows[view.label + EVENT].combine_chunks().fill_null(0))
        places[instants(rows) - event_us > view.ttl_us] = -1
    chosen = pa.array(places, mask=places < 0)
    columns = {
        name: as_declared(_whole(found[name]).take(chosen), view.types[name], part.where(name)) for name in names
    }
    return columns, beyond


def _recorded(view: Stored, rows: pa.Table, given_as: Mapping[str, str]) -> pa.Table:
    """The keys k0, ... and times of the rows that were read."""
    keys = key_columns(rows, view.keys, given_as)
    columns = {f"k{place}": column for place, column in enumerate(keys.values())}
    columns |= {"e": rows[view.label + EVENT], "c": rows[view.label + CREATED], "__row": np.arange(len(rows))}
    return pa.table(columns).filter(pc.is_valid(rows[view.label + EVENT]))


def _matched(
    connection: duckdb.DuckDBPyConnection, part: Part, relation: Relation, recorded: pa.Table
) -> tuple[pa.Table, int]:
    """__row and the features of the rows that the source has, and when the last of all its rows became known."""
    event = time_sql(part, relation, part.source.timestamp_field)
    named = part.source.created_timestamp_column
    created = f"coalesce({time_sql(part, relation, named)}, {event})" if named else event
    keys = [quoted(column_of(part, relation, key.name)) for key in part.keys]
    own = "".join(f", {key} AS k{place}" for place, key in enumerate(keys))
    values = "".join(
        f", {quoted(column_of(part, relation, each.name))} AS v{n}" for n, each in enumerate(part.features)
    )
    equal = "".join(f" AND s.k{place}::VARCHAR = r.k{place}::VARCHAR" for place in range(len(keys)))
    wanted = "".join(f", s.v{n} AS {quoted(each.output)}" for n, each in enumerate(part.features))
    connection.register("recorded", recorded)
    try:
        found = connection.sql(
            f"SELECT r.__row{wanted} FROM recorded r JOIN "
            f"(SELECT {event} AS e, {created} AS c{own}{values} FROM {relation.sql}) s "
            f"ON s.e = r.e AND s.c = r.c{equal}"
        ).to_arrow_table()
        ((reached,),) = connection.execute(f"SELECT coalesce(max({created}), {NEVER}) FROM {relation.sql}").fetchall()
        return found, reached
    finally:
        connection.unregister("recorded")


def _whole(column: pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
