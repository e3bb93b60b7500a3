"""Filling one generation of a view, from the log and the bus, in batches of bounded size."""

from collections.abc import Callable, Iterator

import duckdb
import numpy as np

from streamrank import clock
from streamrank.events.bus import Bus
from streamrank.events.log import EventLog
from streamrank.events.shards import NEVER, SHARDS
from streamrank.latest.filling import parts
from streamrank.latest.spec import LatestView
from streamrank.stores.connection import Connection
from streamrank.stream.batches import Batch, Reducer
from streamrank.stream.following import Reduced, merge, reduced, rows_table
from streamrank.stream.generations import Generation
from streamrank.stream.logged import LoggedEvents, since
from streamrank.stream.views import StreamedView

EVENTS = 500_000  # of the log at a time
STEPS = 100_000  # how finely the log's time is looked at, to cut it
BATCH = 65_536


class Filling:
    """positions: int64 [SHARDS], up to where the generation is filled. logged, streamed: events taken so far."""

    def __init__(
        self, bus: Bus, connection: Connection, project: str, view: StreamedView, log: EventLog,
        generation: Generation, consumer: str, progress: Callable[[int, int], None],
    ) -> None:  # fmt: skip
        self.view, self.generation = view, generation
        self._bus, self._connection, self._project, self._log = bus, connection, project, LoggedEvents(log, bus.schema)
        self._consumer, self._progress = consumer, progress
        self._reducer, self._duckdb = Reducer([view]), duckdb.connect(config={"threads": 2})
        self._duckdb.execute("SET TimeZone = 'UTC'")
        self.positions = np.full(SHARDS, NEVER)
        self.logged = self.streamed = 0

    def to(self, upto: np.ndarray) -> int:
        """Fills each shard up to `upto`, int64 [SHARDS]; how many events that took. Never goes back."""
        before = self.logged + self.streamed
        self._from_log(np.minimum(upto, self._log.ends(above=int(self.positions.min()))))
        self._from_bus(upto)
        self._bus.commit(self._consumer, _known(self.positions))
        return self.logged + self.streamed - before

    def close(self) -> None:
        self._reducer.close()
        self._duckdb.close()

    def _from_log(self, upto: np.ndarray) -> None:
        upto = np.maximum(upto, self.positions)
        files = since(self._log.log.files(), self._oldest())
        if files and (upto > self.positions).any():
            if isinstance(self.view, LatestView):
                self._merge_keys(self._logged(files, self.positions + 1, upto))
            else:
                self._merge_times(files, upto)
        self.positions = upto

    def _merge_keys(self, relation: str) -> None:
        for done, total, acts in parts(self._duckdb, self.view, relation):
            self.logged += acts.num_rows
            self._merge(reduced(self.view, acts, {}, {}))
            self._progress(done, total)

    def _merge_times(self, files: list[str], upto: np.ndarray) -> None:
        for done, total, begin, end in list(self._cuts(files, upto)):
            lasts = np.minimum(end, upto)
            self._merge_logged(files, begin, np.maximum(self.positions, lasts))
            self._progress(done, total)

    def _oldest(self) -> int:
        """Where to begin: what arrived before counts in no window any more."""
        begin = int(self.positions.min())
        return begin if not self.view.ttl_us else max(begin, clock.now_us() - self.view.ttl_us)

    def _cuts(self, files: list[str], upto: np.ndarray) -> Iterator[tuple[int, int, int, int]]:
        """The log's events not filled yet in parts of about EVENTS: events up to its end, of all, and (begin, end]."""
        begin, end = self._oldest(), int(upto.max())
        first = self._duckdb.execute(
            "SELECT min(log_position) FROM read_parquet(?) WHERE log_position > ?", [files, begin]
        ).fetchall()[0][0]
        if first is None or first > end:
            return
        width = (end - first) // STEPS + 1
        counted = self._duckdb.execute(
            "SELECT (log_position - ?) // ? AS step, count(*) FROM read_parquet(?) WHERE log_position BETWEEN ? AND ? "
            "GROUP BY step ORDER BY step", [first, width, files, first, end],
        ).fetchnumpy()  # fmt: skip
        steps, total = list(counted.values())
        done = np.cumsum(total)
        part = done // EVENTS
        lasts = np.append(np.flatnonzero(np.diff(part)), len(done) - 1)
        at = first - 1
        for last in lasts:
            until = min(end, first + (int(steps[last]) + 1) * width - 1)
            yield int(done[last]), int(done[-1]), at, until
            at = until

    def _merge_logged(self, files: list[str], begin: int, lasts: np.ndarray) -> None:
        """The log's events of each shard above its position and `begin`, up to `lasts`."""
        firsts = np.maximum(self.positions, begin) + 1
        rows = rows_table(self._duckdb, self.view, self._logged(files, firsts, lasts))
        self.logged += rows.num_rows
        self._merge(reduced(self.view, rows, dict(enumerate(firsts.tolist())), dict(enumerate(lasts.tolist()))))
        self.positions = np.maximum(self.positions, lasts)

    def _logged(self, files: list[str], firsts: np.ndarray, lasts: np.ndarray) -> str:
        """A relation: the events of each shard from its first to its last position."""
        paths = ", ".join("'" + file.replace("'", "''") + "'" for file in files)
        low, high = (f"CAST({bound.tolist()} AS BIGINT[])[shard + 1]" for bound in (firsts, lasts))
        return (
            f"(SELECT * FROM read_parquet([{paths}], union_by_name = true) WHERE log_position BETWEEN "
            f"{firsts.min()} AND {lasts.max()} AND log_position BETWEEN {low} AND {high})"
        )

    def _from_bus(self, upto: np.ndarray) -> None:
        while behind := {shard: int(self.positions[shard]) for shard in np.flatnonzero(self.positions < upto)}:
            events = self._bus.read(behind, BATCH)
            cut = {
                shard: table.filter(table["log_position"].to_numpy() <= upto[shard]) for shard, table in events.items()
            }
            cut = {shard: table for shard, table in cut.items() if table.num_rows}
            if cut:
                lasts = {shard: table["log_position"][-1].as_py() for shard, table in cut.items()}
                batch = Batch(cut, {shard: behind[shard] + 1 for shard in cut}, lasts)
                self._merge(self._reducer.reduced(batch).deltas[self.view.name])
                self.streamed += batch.rows
                self.positions[list(lasts)] = list(lasts.values())
            for shard in behind.keys() - cut.keys():
                self.positions[shard] = upto[shard]

    def _merge(self, found: Reduced) -> None:
        prefix = self.generation.prefix(self._project)
        merge(self._connection, prefix, self.view, found, expires=clock.is_wall())


def _known(positions: np.ndarray) -> dict[int, int]:
    return {shard: int(position) for shard, position in enumerate(positions) if position > 0}
