"""What the event log holds of each shard: up to where, and the events of a range."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime

import duckdb
import numpy as np
import pyarrow as pa

from streamrank.clock import SECOND
from streamrank.events.log import DAY_COLUMN, EventLog
from streamrank.events.shards import NEVER, SHARDS

ENDS = "SELECT shard, max(log_position) FROM read_parquet(?) WHERE log_position > ? GROUP BY shard"
EVENTS = """
SELECT {columns} FROM read_parquet(?, union_by_name = true)
WHERE shard = ? AND log_position BETWEEN ? AND ? ORDER BY log_position LIMIT ?
"""


@dataclass(frozen=True)
class LoggedEvents:
    """The log as the worker reads it. schema: of the events."""

    log: EventLog
    schema: pa.Schema

    def ends(self, above: int = NEVER) -> np.ndarray:
        """The last position of each shard, int64 [SHARDS]; NEVER where there is none beyond `above`."""
        last = np.full(SHARDS, NEVER)
        if files := since(self.log.files(), above):
            with duckdb.connect(config={"threads": 2}) as connection:
                for shard, position in connection.execute(ENDS, [files, above]).fetchall():
                    last[shard] = position
        return last

    def read(self, shard: int, first: int, last: int, most: int = 2**62) -> pa.Table:
        """The events first <= log_position <= last of a shard in order, the first `most` of them."""
        files = since(self.log.files(), first)
        if not files:
            return self.schema.empty_table()
        columns = ", ".join(f'"{name}"' for name in self.schema.names)
        with duckdb.connect(config={"threads": 2}) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            relation = connection.sql(EVENTS.format(columns=columns), params=[files, shard, first, last, most])
            return relation.to_arrow_table().cast(self.schema)


def since(files: Iterable[str], position: int) -> list[str]:
    """The files that may hold events from `position` on, by the day in their paths."""
    if position <= 0:
        return list(files)
    day = datetime.fromtimestamp(position // SECOND, UTC).date()
    return [file for file in files if _day(file) is None or _day(file) >= day]


def _day(file: str) -> date | None:
    (*_, found) = [None, *(part for part in file.split("/") if part.startswith(f"{DAY_COLUMN}="))]
    try:
        return date.fromisoformat(found.partition("=")[2]) if found else None
    except ValueError:
        return None
