"""Rows of one source over a range of time: all of them, or the latest of each key."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
from feast.data_source import DataSource
from feast.errors import FeastJoinKeysDuringMaterialization
from feast.feature_logging import LOG_TIMESTAMP_FIELD
from feast.feature_view import DUMMY_ENTITY_ID, DUMMY_ENTITY_VAL

from streamrank.stores.history.asof import SHIFT
from streamrank.stores.history.connecting import quoted, text
from streamrank.stores.history.question import Answer
from streamrank.stores.history.sources import Relation, read
from streamrank.stores.history.times import between_sql, instant_sql, microseconds_sql

PARTITION = "__log_date"  # Feast's name for a folder of logs, which is no column of theirs


@dataclass(frozen=True)
class Pull:
    """keys, features, event, created: the source's columns; no features means all columns. start_us, end_us: inclusive.

    known: the range is of the time at which a row became known, max(event, created), not of the event.
    """

    source: DataSource
    keys: Sequence[str]
    features: Sequence[str]
    event: str
    created: str | None
    start_us: int | None
    end_us: int | None
    known: bool
    repo_path: Path | str | None

    def all(self, connection: duckdb.DuckDBPyConnection) -> Answer:
        """Every row in the range."""
        relation = self._read(connection)
        columns = f"{self._columns(relation)}{self._dummy()}"
        return Answer(f"SELECT {columns} FROM {relation.sql}{self._range(relation)}", None, {})

    def latest(self, connection: duckdb.DuckDBPyConnection) -> Answer:
        """Of each key the row in the range with the greatest (event, created)."""
        relation = self._read(connection)
        event, created = self._time(relation, self.event), self._created(relation)
        rank = f"{event}::HUGEINT * {SHIFT} + {created}" if created else event
        keys = ", ".join(map(quoted, self.keys))
        newest = (
            f"SELECT arg_max({relation.row}, {rank}) AS __source FROM {relation.sql}{self._range(relation)}"
            f"{f' GROUP BY {keys}' if keys else ''}"
        )
        source = f"SELECT {relation.row} AS __source, * FROM {relation.sql}"
        columns = f"{self._columns(relation)}{self._dummy()}"
        return Answer(f"SELECT {columns} FROM ({source}) s JOIN ({newest}) USING (__source)", None, {})

    def _read(self, connection: duckdb.DuckDBPyConnection) -> Relation:
        relation = read(connection, self.source, self.repo_path, self._wanted() if self.features else None)
        if not set(self.keys) <= set(relation.types):
            raise FeastJoinKeysDuringMaterialization(relation.name, set(self.keys), set(relation.types))
        for column in self._wanted():
            relation.column(column, f"source {relation.name!r}")
        return relation

    def _wanted(self) -> list[str]:
        names = [*self.keys, *self.features, self.event, *([self.created] if self.created else [])]
        return [name for name in dict.fromkeys(names) if name != PARTITION]

    def _columns(self, relation: Relation) -> str:
        times = {self.event, self.created}
        names = self._wanted() if self.features else [name for name in relation.types if name != PARTITION]
        return ", ".join(
            f"{instant_sql(name, relation.types[name], self._where(name))} AS {quoted(name)}"
            if name in times
            else quoted(name)
            for name in names
        )

    def _dummy(self) -> str:
        """The one key by which Feast writes rows of a view without entities; logs have no keys at all."""
        if self.keys or not self.features or self.event == LOG_TIMESTAMP_FIELD:
            return ""
        return f", {text(DUMMY_ENTITY_VAL)} AS {quoted(DUMMY_ENTITY_ID)}"

    def _range(self, relation: Relation) -> str:
        if self.known and self.created:
            known = f"greatest({self._time(relation, self.event)}, {self._created(relation)})"
            bounds = [(">=", self.start_us), ("<=", self.end_us)]
            terms = [f"{known} {sign} {bound}" for sign, bound in bounds if bound is not None]
        else:
            kind = relation.types[self.event]
            terms = [between_sql(self.event, kind, self._where(self.event), self.start_us, self.end_us)]
        return " WHERE " + " AND ".join([*filter(None, terms), f"{quoted(self.event)} IS NOT NULL"])

    def _created(self, relation: Relation) -> str | None:
        """Microseconds at which a row was created, its event time where it says nothing."""
        event = self._time(relation, self.event)
        return f"coalesce({self._time(relation, self.created)}, {event})" if self.created else None

    def _time(self, relation: Relation, column: str) -> str:
        return microseconds_sql(column, relation.types[column], self._where(column))

    def _where(self, column: str) -> str:
        return f"source {getattr(self.source, 'path', self.source.name)!r}, column {column!r}"
