"""A micro-batch: events of some shards, and what they change in each view's tiles. It depends on the events alone."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import duckdb
import pyarrow as pa

from streamrank.windows.deltas import Deltas, deltas
from streamrank.windows.spec import WindowedView, event_rows


@dataclass(frozen=True)
class Batch:
    """events: by shard, all of them with firsts[shard] <= log_position <= lasts[shard]. deltas: by view name."""

    events: Mapping[int, pa.Table]
    firsts: Mapping[int, int]
    lasts: Mapping[int, int]
    deltas: Mapping[str, Deltas] = field(default_factory=dict)

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
    """Makes batches' deltas with one DuckDB connection; for one thread at a time."""

    def __init__(self, views: Sequence[WindowedView], threads: int = 1) -> None:
        self._views = {view.name: view for view in views}
        self._connection = duckdb.connect(config={"threads": threads})
        self._connection.execute("SET TimeZone = 'UTC'")

    def reduced(self, batch: Batch, views: Iterable[str] | None = None) -> Batch:
        """`batch` with the deltas of all views, or of those named."""
        self._connection.register("events", pa.concat_tables(batch.events.values()))
        try:
            found = {name: self._deltas(self._views[name], batch) for name in views or self._views}
        finally:
            self._connection.unregister("events")
        return Batch(batch.events, batch.firsts, batch.lasts, found)

    def _deltas(self, view: WindowedView, batch: Batch) -> Deltas:
        return deltas(view, event_rows(self._connection, view), batch.firsts, batch.lasts)

    def close(self) -> None:
        self._connection.close()
