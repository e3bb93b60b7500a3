"""The event log: a Delta table of Parquet files, partitioned by the UTC day of arrival, and the truth of what happened.

Every append is one atomic commit that carries its app transaction, so that the same batch is written exactly once.
"""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake
from deltalake.exceptions import CommitFailedError

from streamrank.events.shards import NEVER, SHARDS

DAY_COLUMN = "arrived_on"


@dataclass(frozen=True)
class EventLog:
    """The log in folder `path`; it comes into being with its first append."""

    path: Path

    def append(self, table: pa.Table, app_id: str, version: int) -> bool:
        """Adds `table` in one commit; False, and nothing is added, when (app_id, version) is already in.

        table: holds arrived_at (timestamp, UTC), shard (int32), log_position (int64, above `last_positions` of its
        shard); its further columns become the log's. version: grows with every batch of one app_id.
        ValueError when the columns are not those of the log.
        """
        if self.committed(app_id) >= version:
            return False
        self._refuse_other_columns(table)
        rows = table.append_column(DAY_COLUMN, pc.cast(table["arrived_at"], pa.timestamp("us")).cast(pa.date32()))
        commit = CommitProperties(app_transactions=[Transaction(app_id, version)])
        try:
            write_deltalake(self.path, rows, mode="append", partition_by=[DAY_COLUMN], commit_properties=commit)
        except CommitFailedError:
            if self.committed(app_id) >= version:  # another process was writing the very same batch
                return False
            raise
        return True

    def committed(self, app_id: str) -> int:
        """The greatest version of `app_id` that is in, -1 when none is."""
        found = self._table().transaction_version(app_id) if self.exists() else None
        return -1 if found is None else found

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

    def _table(self) -> DeltaTable:
        return DeltaTable(self.path)

    def _refuse_other_columns(self, table: pa.Table) -> None:
        if not self.exists():
            return
        held = {field.name for field in self._table().schema().fields} - {DAY_COLUMN}
        if held != set(table.column_names):
            raise ValueError(
                f"event log {self.path}: expected columns {sorted(held)}, found {sorted(table.column_names)}"
            )
