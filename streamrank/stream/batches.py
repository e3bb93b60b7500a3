"""A micro-batch: events of some shards, and what they change in each view. It depends on the events alone."""

import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import duckdb
import pyarrow as pa

from streamrank.stream.following import Reduced, reduced, rows_sql, rows_table
from streamrank.stream.views import StreamedView

# A prepared statement can be run in this way only, and its rows are few.
warnings.filterwarnings("ignore", message="Arrow output on a DB-API result")


@dataclass(frozen=True)
class Batch:
    """events: by shard, all of them with firsts[shard] <= log_position <= lasts[shard]. deltas: by view name."""

    events: Mapping[int, pa.Table]
    firsts: Mapping[int, int]
    lasts: Mapping[int, int]
    deltas: Mapping[str, Reduced] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        return sum(table.num_rows for table in self.events.values())

    def of(self, shards: Iterable[int]) -> "Batch":
        """The events of these shards alone, without deltas."""
        kept = [shard for shard in self.events if shard in set(shards)]
        return Batch(
            *({shard: part[shard] for shard in kept} for part in (self.events, self.firsts, self.lasts))
        )  # fmt: skip


class Reducer:
    """Makes batches' deltas with one DuckDB connection; for one thread at a time.

    Each view's SQL is prepared once, over a relation whose rows change: of a small batch most of the time would go into
    parsing and planning.
    """

    def __init__(self, views: Sequence[StreamedView], threads: int = 1) -> None:
        self._views = {view.name: view for view in views}
        self._connection = duckdb.connect(config={"threads": threads})
        self._connection.execute("SET TimeZone = 'UTC'")
        self._events, self._prepared = _Events(), {}

    def reduced(self, batch: Batch, views: Iterable[str] | None = None) -> Batch:
        """`batch` with the deltas of all views, or of those named. Raises DeclarationError, Overflow."""
        self._set(pa.concat_tables(batch.events.values()).combine_chunks())
        try:
            found = {name: self._deltas(self._views[name], batch) for name in views or self._views}
        finally:
            self._events.table = None
        return Batch(batch.events, batch.firsts, batch.lasts, found)

    def close(self) -> None:
        self._connection.close()

    def _set(self, events: pa.Table) -> None:
        known, self._events.table = self._events.schema, events
        if known is None or not events.schema.equals(known):
            self._events.schema, self._prepared = events.schema, {}
            self._connection.register("events", self._events)

    def _deltas(self, view: StreamedView, batch: Batch) -> Reduced:
        found = self._connection.execute(f"EXECUTE {self._statement(view)}").to_arrow_table()
        return reduced(view, found, batch.firsts, batch.lasts)

    def _statement(self, view: StreamedView) -> str:
        if view.name not in self._prepared:
            rows_table(self._connection, view)  # says what is wrong where the SQL does not fit
            name = f"rows_{len(self._prepared)}"
            self._connection.execute(f"PREPARE {name} AS {rows_sql(view)}")
            self._prepared[view.name] = name
        return self._prepared[view.name]


class _Events:
    """The relation `events`: DuckDB asks for its rows anew whenever a statement runs."""

    table: pa.Table | None = None
    schema: pa.Schema | None = None

    def __arrow_c_stream__(self, requested: object = None) -> object:
        return self.table.__arrow_c_stream__(requested)

    def __arrow_c_schema__(self) -> object:
        return self.schema.__arrow_c_schema__()
