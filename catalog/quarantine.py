"""The quarantine: what was turned away, each row with its reason, one Parquet file for each table of each load."""

import os
import threading
import time
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq

from catalog.dataset import DataSet
from catalog.schema import INSTANT, PUBLISHED
from catalog.sql import quick
from streamrank import clock
from streamrank.events.served import write_whole
from validation.events import counts_by_kind

TABLES = ("events", "items", "users")
ARRIVING = (*PUBLISHED.names, "line", "row")


def keep(data: DataSet, table: str, fingerprint: str, bad: pa.Table, lines: pa.Table | None) -> None:
    """Writes the rows `bad` (their own columns, `row`, `reason`) and `lines` (line, reason) of a load over its last."""
    file = data.quarantine / f"{table}-{fingerprint[:16]}.parquet"
    rows = pa.concat_tables([bad, lines], promote_options="permissive") if lines is not None and len(lines) else bad
    if not len(rows):
        file.unlink(missing_ok=True)
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_suffix(".partial")
    pq.write_table(rows, partial)
    os.replace(partial, file)


def counts(data: DataSet) -> dict[str, int]:
    """Rows in quarantine, as "quarantined events" and for each reason "quarantined events: negative watch_ms"."""
    found = {}
    for table in TABLES:
        reasons = [
            pq.read_table(file, columns=["reason"], partitioning=None)["reason"]
            for file in sorted(data.quarantine.glob(f"{table}-*.parquet"))
        ]
        if reasons:
            together = pa.chunked_array([chunk for reason in reasons for chunk in reason.chunks], pa.string())
            found[f"quarantined {table}"] = len(together)
            found |= {f"quarantined {table}: {kind}": n for kind, n in counts_by_kind(together).items()}
    return found


class ArrivingQuarantine:
    """Collects what is turned away as it arrives, and writes a file of it now and then. Safe to share between threads.

    Values are kept as text, so that events of any form stand in one file; mended, it can be published again.
    """

    def __init__(self, data: DataSet, every_seconds: float = 10.0, most_rows: int = 100_000) -> None:
        self._folder, self._every_seconds, self._most_rows = data.quarantine, every_seconds, most_rows
        self._lock = threading.Lock()
        self._waiting: list[pa.Table] = []
        self._written = -every_seconds  # the first to be turned away is written at once
        self.dropped = 0

    def offer(self, bad: pa.Table) -> None:
        """Takes rows with `reason` (and `row`), or lines (line, reason); drops and counts them where too many wait."""
        if not len(bad):
            return
        with self._lock:
            if sum(map(len, self._waiting)) + len(bad) > self._most_rows:
                self.dropped += len(bad)
            else:
                self._waiting.append(_as_text(bad))

    def flush(self, everything: bool = False) -> None:
        """Writes what waits, once it is old enough or at any rate."""
        with self._lock:
            if not self._waiting or not (everything or time.monotonic() - self._written > self._every_seconds):
                return
            bad, self._waiting, self._written = pa.concat_tables(self._waiting), [], time.monotonic()
        write_whole(bad, self._folder / f"events-arriving-{uuid4().hex}.parquet")


def _as_text(bad: pa.Table) -> pa.Table:
    """Every column of an event as text, null where the rows have none; lists with | between."""
    there = {name: bad[name] for name in (*PUBLISHED.names, "line", "row") if name in bad.column_names}
    texts = ", ".join(
        f"array_to_string({name}, '|') AS {name}" if pa.types.is_list(column.type) else f"{name}::VARCHAR AS {name}"
        for name, column in there.items()
    )
    rows = quick(f"SELECT {texts} FROM bad", bad=pa.table(there))
    columns = {name: rows[name] if name in there else pa.nulls(len(bad), pa.string()) for name in ARRIVING}
    now = pa.repeat(pa.scalar(clock.now(), INSTANT), len(bad))
    return pa.table(columns | {"reason": bad["reason"], "turned_away_at": now})
