"""The event log: a Delta table of Parquet files, partitioned by the UTC day of arrival, and the truth of what happened.

Every append is one atomic commit that carries its app transaction, so that the same batch is written exactly once.
"""

import fcntl
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import unquote

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError

from streamrank.events.not_written import not_written, refused_by_the_disk
from streamrank.events.shards import NEVER, SHARDS

DAY_COLUMN = "arrived_on"
TARGET_BYTES = 128 << 20
# A commit every two seconds leaves a file each; those behind the last checkpoint are kept for a day.
CONFIGURATION = {"delta.logRetentionDuration": "interval 1 days"}


@dataclass(frozen=True)
class EventLog:
    """The log in folder `path`; it comes into being with its first append."""

    path: Path

    def append(self, table: pa.Table, app_id: str, version: int) -> bool:
        """Adds `table` in one commit; False, and nothing is added, when (app_id, version) is already in.

        table: holds arrived_at (timestamp, UTC), shard (int32), log_position (int64, above `last_positions` of its
        shard); its further columns become the log's. version: grows with every batch of one app_id.
        ValueError when the columns are not those of the log, NotWritten when the disk does not take them.
        """
        return self._append(table, {app_id: version}, lambda held: _version(held, app_id) < version)

    def append_shards(self, table: pa.Table, transactions: Mapping[str, int], follows: Mapping[str, int]) -> bool:
        """Adds `table` in one commit, with the new version of every app_id; False, and nothing is added, when one of
        them is not at the version that it `follows` (-1: none), since another writer was first.

        table: as for `append`. transactions, follows: the same app_ids.
        """
        return self._append(table, transactions, lambda held: all(_version(held, a) == v for a, v in follows.items()))

    def committed(self, app_id: str) -> int:
        """The greatest version of `app_id` that is in, -1 when none is."""
        return _version(self._held(), app_id)

    def versions(self, app_ids: Sequence[str]) -> list[int]:
        """`committed` of each, all as of one version of the log."""
        held = self._held()
        return [_version(held, app_id) for app_id in app_ids]

    def version(self) -> int:
        """The number of the last commit, 0 for the first; -1 before it."""
        return self._table().version() if self.exists() else -1

    def exists(self) -> bool:
        return DeltaTable.is_deltatable(str(self.path))

    def files(self) -> list[str]:
        """The Parquet files of the present version; `arrived_on` is in their paths (read with hive_partitioning)."""
        if not self.exists():
            return []
        # Not file_uris(), which come percent-encoded: a folder with a space in its name would not be found.
        added = pa.table(self._table().get_add_actions())["path"].to_pylist()
        return sorted(str(self.path / unquote(path)) for path in added)

    def count(self) -> int:
        """Rows in the log."""
        return self._table().count() if self.exists() else 0

    def last_positions(self) -> np.ndarray:
        """The last log_position of each shard, int64 [SHARDS]; NEVER for a shard without events."""
        last = np.full(SHARDS, NEVER, dtype=np.int64)
        if files := self.files():
            with duckdb.connect(config={"threads": 2}) as connection:
                rows = connection.execute(
                    "SELECT shard, max(log_position) FROM read_parquet(?) GROUP BY shard", [files]
                ).fetchall()
            for shard, position in rows:
                last[shard] = position
        return last

    def compact(self) -> int:
        """Merges small files within each day, in one commit; how many files were replaced.

        Whoever holds the list of `files` goes on reading those, which stay until `vacuum`; the next list has
        the new ones only. Events may be appended meanwhile.
        """
        held = self._held()
        return held.optimize.compact(target_size=TARGET_BYTES)["numFilesRemoved"] if held else 0

    def vacuum(self, retention: timedelta) -> int:
        """Removes files that have not been part of the log for `retention`; how many. Readers hold lists no longer."""
        held = self._held()
        if held is None:
            return 0
        hours = retention // timedelta(hours=1)
        removed = held.vacuum(retention_hours=hours, dry_run=False, enforce_retention_duration=False, full=True)
        held.create_checkpoint()
        held.cleanup_metadata()
        return len(removed)

    def _table(self) -> DeltaTable:
        return DeltaTable(self.path)

    def _held(self) -> DeltaTable | None:
        return self._table() if self.exists() else None

    def _append(self, table: pa.Table, marks: Mapping[str, int], may: Callable[[DeltaTable | None], bool]) -> bool:
        """Appends behind a version of the log of which `may` holds; False when it does not, or not any more."""
        if self.exists():
            return self._write(self._table(), table, marks, may)
        with self._making():
            return self._write(self._held(), table, marks, may)

    def _write(self, held: DeltaTable | None, table: pa.Table, marks: Mapping[str, int], may: Callable) -> bool:
        if not may(held):
            return False
        self._refuse_other_columns(held, table)
        rows = table.append_column(DAY_COLUMN, pc.cast(table["arrived_at"], pa.timestamp("us")).cast(pa.date32()))
        transactions = [Transaction(app_id, version) for app_id, version in marks.items()]
        try:
            write_deltalake(
                held or self.path, rows, mode="append", partition_by=[DAY_COLUMN],
                commit_properties=CommitProperties(app_transactions=transactions),
                configuration=None if held else CONFIGURATION,
            )  # fmt: skip
        except CommitFailedError:  # another process has just written the very same batch, or else something is wrong
            if may(self._held()):
                raise
            return False
        except (DeltaError, OSError) as error:
            if number := refused_by_the_disk(error):
                raise not_written(f"event log {self.path}: {len(table):,} events", error, number) from error
            raise
        return True

    @contextmanager
    def _making(self) -> Iterator[None]:
        """Makes the log alone: of two that make a Delta table at the same moment, both may succeed."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.with_name(f"{self.path.name}.making").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _refuse_other_columns(self, held: DeltaTable | None, table: pa.Table) -> None:
        columns = {field.name for field in held.schema().fields} - {DAY_COLUMN} if held else set(table.column_names)
        if columns != set(table.column_names):
            raise ValueError(
                f"event log {self.path}: expected columns {sorted(columns)}, found {sorted(table.column_names)}"
            )


def _version(held: DeltaTable | None, app_id: str) -> int:
    found = held.transaction_version(app_id) if held else None
    return -1 if found is None else found
