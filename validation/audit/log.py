"""The event log as it stands when an audit begins: one list of files, and how far each shard reaches in them."""

from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np

from streamrank.events.log import EventLog
from streamrank.events.shards import NEVER, SHARDS


@dataclass(frozen=True)
class LogSnapshot:
    """files: Parquet files of one version of the log. ends: int64 [SHARDS], the last position in them."""

    files: tuple[str, ...]
    ends: np.ndarray

    @staticmethod
    def of(path: Path) -> "LogSnapshot":
        """The log at `path`; without files where there is none."""
        files = EventLog(path).files()
        ends = np.full(SHARDS, NEVER, np.int64)
        if files:
            with duckdb.connect(config={"threads": 2}) as connection:
                sql = "SELECT shard, max(log_position) FROM read_parquet(?) GROUP BY shard"
                found = np.array(connection.execute(sql, [files]).fetchall(), np.int64).reshape(-1, 2)
            ends[found[:, 0]] = found[:, 1]
        return LogSnapshot(tuple(files), ends)
