"""A windowed view's part of a question: answered from the event log, as of the rows' times; no TTL applies."""

import logging
from collections.abc import Sequence
from pathlib import Path

import duckdb

from streamrank.events.log import EventLog
from streamrank.stores.history.asof import Rows, given_sql
from streamrank.stores.history.connecting import quoted
from streamrank.stores.history.entity_rows import TABLE
from streamrank.stores.history.errors import HistoryError
from streamrank.stores.history.files import resolved
from streamrank.stores.history.parts import Part
from streamrank.stores.history.sources import Relation
from streamrank.windows.offline.answering import at_times_tables
from streamrank.windows.offline.events import Events, events_of

logger = logging.getLogger(__name__)


def windowed_tables(
    connection: duckdb.DuckDBPyConnection, part: Part, rows: Rows, repo_path: Path | str | None, name: str
) -> list[str]:
    """Common table expressions, the last of which is `name`: __row and the features under their output names.

    Rows with a null key are left out. A log that is not there yet is one without events. Raises HistoryError where the
    source's SQL does not fit the log.
    """
    events = _events(connection, part, repo_path)
    ((count,),) = connection.execute(f"SELECT count(*) FROM {TABLE}").fetchall()
    events = events.among(f"{name}_instants", count)
    known = {feature.name: feature for feature in part.windows.features}
    features = {feature.output: known[feature.name] for feature in part.features}
    instants = f"{name}_instants AS MATERIALIZED ({_instants(part, events, rows)})"
    tables = at_times_tables(part.windows, events, f"{name}_instants", features, f"{name}_answered")
    return [instants, *tables, f"{name} AS NOT MATERIALIZED (SELECT * RENAME (g AS __row) FROM {name}_answered)"]


def changes_sql(
    connection: duckdb.DuckDBPyConnection, part: Part, repo_path: Path | str | None, start_us: int, end_us: int
) -> str:
    """SELECT of the times in the range at which events of a key arrived, as event_timestamp, and the keys as given."""
    events = _events(connection, part, repo_path)
    given = {key.name: key.given for key in part.keys}
    names = [given[name] for name in events.types]
    keys = "".join(f", {key} AS {quoted(name)}" for key, name in zip(events.keys, names, strict=True))
    return (
        f"SELECT make_timestamptz(p) AS event_timestamp{keys} FROM {events.sql} WHERE p BETWEEN {start_us} AND {end_us}"
    )


def _events(connection: duckdb.DuckDBPyConnection, part: Part, repo_path: Path | str | None) -> Events:
    log = EventLog(Path(resolved(part.windows.source.log, repo_path)))
    files = log.files()
    if not files:
        logger.warning(
            "view %r: there is no event log at %s yet; it is read as one without events", part.view, log.path
        )
    events = events_of(part.windows, files)
    try:
        connection.execute(f"DESCRIBE FROM {events.sql}").fetchall()
    except duckdb.Error as error:
        source, why = f"the SQL of source {part.windows.source.name!r}", str(error).splitlines()[0]
        raise HistoryError(
            f"view {part.view!r}: {source} does not fit the event log {log.path}: {why}; correct the SQL"
        ) from error
    return events


def _instants(part: Part, events: Events, rows: Rows) -> str:
    relation = Relation("", events.types, "", part.windows.source.name)
    names: Sequence[str] = [key.name for key in part.keys]
    given = ", ".join(
        f"{given_sql(part, relation, rows, names.index(name))} AS {key}"
        for name, key in zip(events.types, events.keys, strict=True)
    )
    present = " AND ".join(f"{key} IS NOT NULL" for key in events.keys)
    return f"SELECT * FROM (SELECT __row AS g, __time AS t, {given} FROM {rows.sql}) WHERE t IS NOT NULL AND {present}"
