"""The served log: what was answered, as Parquet files written beside the requests and never in their way.

`offer` puts rows in a queue of bounded size and returns at once; one thread makes a table of them and writes it. Rows
that find the queue full are dropped and counted, so a slow disk costs log rows, never answers. A file lies under
`served_on=YYYY-MM-DD/`, the UTC day of its rows' `as_of`, and appears whole: it is written under another name and then
renamed.
"""

import logging
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

logger = logging.getLogger(__name__)

QUEUE_FULL = "queue_full"
WRITE_FAILED = "write_failed"


class Rows(Protocol):
    """A table, or anything that a table is made of."""

    num_rows: int


def _ignore(*_: object) -> None:
    return None


class ServedLog:
    """A bounded queue before a writer thread. Close it, or the last rows are lost.

    folder: where the day folders lie. schema: of every offered table; has `as_of`, timestamp[us, UTC].
    capacity_rows: rows held in memory, those being written included. flush_seconds: age at which rows are written.
    on_written(rows), on_dropped(rows, reason): called as it happens, reason "queue_full" or "write_failed".
    table: makes one table of what was offered, where that is something else than tables: anything with `num_rows`.
    """

    def __init__(
        self,
        folder: Path,
        schema: pa.Schema,
        capacity_rows: int,
        flush_seconds: float,
        on_written: Callable[[int], None] = _ignore,
        on_dropped: Callable[[int, str], None] = _ignore,
        table: Callable[[list[Any]], pa.Table] = pa.concat_tables,
    ) -> None:
        self._folder, self._schema = folder, schema
        self._capacity, self._flush_seconds = capacity_rows, flush_seconds
        self._on_written, self._on_dropped, self._table = on_written, on_dropped, table
        self._changed = threading.Condition()
        self._waiting: list[Rows] = []
        self._held = 0
        self._closing = False
        self._writer = threading.Thread(target=self._run, name="served-log", daemon=True)
        self._writer.start()

    def offer(self, rows: Rows) -> bool:
        """Takes `rows` for writing; False when there is no room for all of them, and they are dropped and counted.

        Raises ValueError when the table's schema is not the log's, RuntimeError after `close`.
        """
        if isinstance(rows, pa.Table) and not rows.schema.equals(self._schema):
            raise ValueError(f"served log {self._folder}: expected columns\n{self._schema}\nfound\n{rows.schema}")
        with self._changed:
            if self._closing:
                raise RuntimeError(f"served log {self._folder} is closed")
            fits = self._held + rows.num_rows <= self._capacity
            if fits:
                self._waiting.append(rows)
                self._held += rows.num_rows
                if len(self._waiting) == 1 or self._held * 2 >= self._capacity:  # else the writer has no cause to wake
                    self._changed.notify()
        if not fits:
            self._on_dropped(rows.num_rows, QUEUE_FULL)
        return fits

    def close(self) -> None:
        """Writes what is waiting and ends the writer thread."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._writer.join()

    def _run(self) -> None:
        while offered := self._take():
            count = sum(rows.num_rows for rows in offered)
            if (table := self._made(offered, count)) is not None:
                self._write(table)
            with self._changed:
                self._held -= count

    def _made(self, offered: list[Rows], count: int) -> pa.Table | None:
        """None for rows of which no table can be made: they are counted, and the log goes on without them."""
        try:
            return self._table(offered)
        except Exception:
            logger.exception("served log: %d rows could not be made a table", count)
            self._on_dropped(count, WRITE_FAILED)
            return None

    def _take(self) -> list[Rows]:
        """What waits once it is old enough, half the queue is full or the log closes; [] at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closing)
            self._changed.wait_for(lambda: self._closing or self._held * 2 >= self._capacity, self._flush_seconds)
            offered, self._waiting = self._waiting, []
            return offered

    def _write(self, rows: pa.Table) -> None:
        on_day = rows["as_of"].cast(pa.date32())
        for day in pc.unique(on_day):
            chosen = rows.filter(pc.equal(on_day, day))
            try:
                write_whole(chosen, self._folder / f"served_on={day}" / f"{uuid4().hex}.parquet")
            except (OSError, pa.ArrowException):
                logger.exception("served log: %d rows could not be written under %s", chosen.num_rows, self._folder)
                self._on_dropped(chosen.num_rows, WRITE_FAILED)
            else:
                self._on_written(chosen.num_rows)


def write_whole(rows: pa.Table, path: Path) -> None:
    """Writes a Parquet file that is either absent or complete: a reader never sees a part of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.stem}.partial")  # readers of Parquet folders pass over names with a dot
    try:
        with partial.open("wb") as output:
            pq.write_table(rows, output)
            output.flush()
            os.fsync(output.fileno())
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
