"""The part of a question that asks for latest acts: answered from the event log, as of the rows' times.

The statement gives a span of acts for each row and feature; the lists are cut out as the answer is read.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from streamrank.events.log import EventLog
from streamrank.latest.offline import Acts, acts_sql, key_kinds, laid, lists, pieces, spans_sql
from streamrank.stores.history.asof import Rows, given_sql
from streamrank.stores.history.connecting import quoted
from streamrank.stores.history.errors import HistoryError
from streamrank.stores.history.files import resolved
from streamrank.stores.history.parts import Part
from streamrank.stores.history.sources import Relation

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Histories:
    """tables: common table expressions, the last of which has __row and the spans under the features' output names.

    columns: by output name, the acts' values that the spans are of.
    """

    tables: list[str]
    columns: dict[str, pa.Array]


def histories(
    connection: duckdb.DuckDBPyConnection, part: Part, rows: Rows, before: Sequence[str],
    repo_path: Path | str | None, name: str,
) -> Histories:  # fmt: skip
    """before: common table expressions that `rows` needs. Rows with a null key are left out. A log that is not there
    yet is one without acts. Raises HistoryError where the source's SQL does not fit the log."""
    view, asked = part.latest, f"{name}_asked"
    files = _files(connection, part, repo_path)
    common = f"WITH {', '.join(before)} " if before else ""
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {asked} AS {common}{_asked(part, rows)}")
    acts = laid(connection, view, files, asked, f"{name}_acts")
    outputs = {feature.output: feature.name for feature in part.features}
    columns = acts.columns(connection, list(dict.fromkeys(outputs.values())))
    spans = ", ".join(f"{{'first': first, 'stop': stop}} AS {quoted(output)}" for output in outputs)
    table = f"{name} AS NOT MATERIALIZED (SELECT g AS __row, {spans} FROM ({_each(acts, asked)}))"
    return Histories([table], {output: columns[feature] for output, feature in outputs.items()})


def cut(spans: pa.Array, column: pa.Array) -> pa.ChunkedArray:
    """The lists of spans, in pieces of bounded size."""
    return pa.chunked_array([lists(spans[piece.start : piece.stop], column) for piece in pieces(spans)])


def portions(batch: pa.RecordBatch, columns: Iterable[str]) -> Iterator[pa.RecordBatch]:
    """The batch in parts, so that the lists of each are of bounded size. columns: those that are spans."""
    parts = [[*pieces(batch.column(name))] for name in columns]
    for part in max(parts, key=len, default=[slice(0, len(batch))]):
        yield batch.slice(part.start, part.stop - part.start)


def arrivals_sql(
    connection: duckdb.DuckDBPyConnection, part: Part, repo_path: Path | str | None, start_us: int, end_us: int
) -> str:
    """SELECT of the times in the range at which acts of a key arrived, as event_timestamp, and the keys as given."""
    given = {key.name: key.given for key in part.keys}
    names = [given[name] for name in part.latest.join_keys]
    keys = "".join(f", k{place} AS {quoted(name)}" for place, name in enumerate(names))
    acts = acts_sql(part.latest, _files(connection, part, repo_path))
    return f"SELECT make_timestamptz(p) AS event_timestamp{keys} FROM ({acts}) WHERE p BETWEEN {start_us} AND {end_us}"


def _each(acts: Acts, asked: str) -> str:
    """The spans of every row: of rows that ask for the same key at the same instant one is looked up."""
    keys = ", ".join(acts.keys)
    distinct = f"(SELECT {keys}, t, min(g) AS g FROM {asked} GROUP BY ALL)"
    return (
        f"SELECT a.g, s.first, s.stop FROM (SELECT g, min(g) OVER (PARTITION BY {keys}, t) AS one FROM {asked}) a "
        f"JOIN ({spans_sql(acts, distinct)}) s ON s.g = a.one"
    )


def _files(connection: duckdb.DuckDBPyConnection, part: Part, repo_path: Path | str | None) -> list[str]:
    log = EventLog(Path(resolved(part.latest.source.log, repo_path)))
    files = log.files()
    if not files:
        logger.warning("view %r: there is no event log at %s yet; it is read as one without acts", part.view, log.path)
    try:
        connection.execute(f"DESCRIBE {acts_sql(part.latest, files)}").fetchall()
    except duckdb.Error as error:
        source, why = f"the SQL of source {part.latest.source.name!r}", str(error).splitlines()[0]
        raise HistoryError(
            f"view {part.view!r}: {source} does not fit the event log {log.path}: {why}; correct the SQL"
        ) from error
    return files


def _asked(part: Part, rows: Rows) -> str:
    """SELECT of k0, ..., t and g for the rows that can have acts."""
    kinds = key_kinds(part.latest)
    relation = Relation("", kinds, "", part.latest.source.name)
    names = [key.name for key in part.keys]
    given = {
        f"k{place}": given_sql(part, relation, rows, names.index(name)) for place, name in enumerate(kinds)
    }  # fmt: skip
    listed = ", ".join(f"{sql} AS {key}" for key, sql in given.items())
    present = " AND ".join(f"{key} IS NOT NULL" for key in given)
    return f"SELECT * FROM (SELECT __row AS g, __time AS t, {listed} FROM {rows.sql}) WHERE t IS NOT NULL AND {present}"
