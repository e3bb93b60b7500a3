"""Loss: events that the bus had acknowledged and then forgot, since its server went down before they were on disk.

With the append-only file at `everysec` that can happen to about the last second. A small file beside the log remembers,
for each shard, how far the bus had come, how many events it had taken by then, and how many of them are in the log. It
is brought up to date several times a second, together with a mark that is left in the bus: a bus that comes back
without the mark has gone back, and what it took since is counted.
"""

import errno
import json
import logging
import os
import uuid
from dataclasses import asdict, dataclass
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from streamrank.events.bus import Bus, Sight
from streamrank.events.log import EventLog
from streamrank.events.not_written import not_written
from streamrank.events.shards import SHARDS

logger = logging.getLogger(__name__)


@dataclass
class Remembered:
    """Lists of SHARDS integers. mark: left in the bus at the last look. last, total: each shard's last position then,
    and how many events it had taken by then. reached, logged: the last position of the bus's that is in the log, and
    how many of the bus's events are. lost: events, so far, in all."""

    mark: str
    last: list[int]
    total: list[int]
    reached: list[int]
    logged: list[int]
    lost: int = 0


class LossWatch:
    """path: of the file, which outlives the process. Only one process may watch at a time.

    reached: int64 [SHARDS], the last position of each shard that is in the log, NEVER where none is.
    """

    def __init__(self, bus: Bus, log: EventLog, path: Path, reached: np.ndarray) -> None:
        self._bus, self._path = bus, path
        self._known = _read(path) or _first(bus, reached)
        behind = np.flatnonzero(reached > np.array(self._known.reached))
        self.logged(reached, _rows_between(log, self._known.reached, reached) if len(behind) else _none())

    @property
    def lost(self) -> int:
        """Events that are known to be lost, since the file was made."""
        return self._known.lost

    def look(self, read: np.ndarray, held: np.ndarray) -> bool:
        """Whether the bus has gone back since the last look, which may or may not have lost events: see `lost`.

        What was taken between the last look and the loss is not known of, so at least so many are lost.

        read: int64 [SHARDS], the last position that has been read from each shard. held: int64 [SHARDS], how many
        events have been read and are not in the log yet; they are not lost.
        """
        known, mark = self._known, uuid.uuid4().hex
        sight = self._bus.sight(known.mark, mark, np.array(known.last))
        if sight.marked.all():
            self._remember(sight, mark)
            return False
        lost = self._count(sight, held)
        self._bus.begin(np.maximum(read, known.last))
        known.logged = (np.minimum(np.array(known.logged) + held, sight.before) - held).tolist()
        known.lost += lost
        self._remember(sight, mark)
        if lost:
            logger.error(
                "the bus has gone back: its server lost at least %d events that it had acknowledged; "
                "with appendfsync always none are lost", lost,
            )  # fmt: skip
        return True

    def logged(self, reached: np.ndarray, rows: np.ndarray) -> None:
        """Notes that the log now reaches `reached`, with `rows` more of the bus's events; both int64 [SHARDS]."""
        self._known.reached = np.maximum(reached, self._known.reached).tolist()
        self._known.logged = (np.array(self._known.logged) + rows).tolist()
        self._keep()

    def _count(self, sight: Sight, held: np.ndarray) -> int:
        safe = np.maximum(sight.before, np.array(self._known.logged) + held)
        return int(np.maximum(0, np.array(self._known.total) - safe)[~sight.marked].sum())

    def _remember(self, sight: Sight, mark: str) -> None:
        last, total = sight.last.tolist(), sight.total.tolist()
        self._known.mark, self._known.last, self._known.total = mark, last, total
        self._keep()

    def _keep(self) -> None:
        """On disk before it is relied on: what it tells of happens when the power fails."""
        draft = self._path.with_suffix(f".{uuid.uuid4().hex}")
        draft.parent.mkdir(parents=True, exist_ok=True)
        try:
            with draft.open("w") as file:
                json.dump(asdict(self._known), file)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self._path)
        except OSError as error:
            draft.unlink(missing_ok=True)
            raise not_written(f"{self._path}: what the bus took", error, error.errno or errno.EIO) from error


def _read(path: Path) -> Remembered | None:
    return Remembered(**json.loads(path.read_text())) if path.exists() else None


def _first(bus: Bus, reached: np.ndarray) -> Remembered:
    mark = uuid.uuid4().hex
    sight = bus.sight("", mark, reached)
    return Remembered(mark, sight.last.tolist(), sight.total.tolist(), reached.tolist(), sight.before.tolist())


def _none() -> np.ndarray:
    return np.zeros(SHARDS, np.int64)


def _rows_between(log: EventLog, after: list[int], upto: np.ndarray) -> np.ndarray:
    """How many rows of each shard have after < log_position <= upto: written, and not noted when the writer ended."""
    found = _none()
    with duckdb.connect(config={"threads": 2}) as connection:
        connection.register("bounds", pa.table({"shard": np.arange(SHARDS), "after": after, "upto": upto}))
        rows = connection.execute(
            "SELECT shard, count(*) FROM read_parquet(?) JOIN bounds USING (shard) "
            "WHERE log_position > bounds.after AND log_position <= upto GROUP BY shard", [log.files()],
        ).fetchall()  # fmt: skip
    for shard, count in rows:
        found[shard] = count
    return found
