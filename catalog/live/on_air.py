"""What can be recommended right now, as a copy in memory that follows the stream of changes."""

import threading
from dataclasses import dataclass

import pyarrow as pa

from catalog.live.item_states import ENDED, ITEM_STATES
from catalog.live.keys import items_prefix
from catalog.live.latest import Latest
from streamrank.stores.connection import Connection


def live_items(connection: Connection, project: str) -> Latest:
    """What events have said of the project's items, in Redis."""
    return Latest(connection, items_prefix(project), ITEM_STATES, "item_id")


@dataclass(frozen=True)
class End:
    """When an item ended: arrival and event time, us UTC."""

    ended_a: int
    ended_e: int


class OnAir:
    """Items as events have put them; safe to share between threads. Without Redis it holds what was known last."""

    def __init__(self, items: Latest) -> None:
        self._items, self._version, self._lock = items, 0, threading.Lock()
        self.ended: dict[str, End] = {}

    def sync(self) -> pa.Table:
        """Takes in what changed since the last time, in one small round trip; the changed rows (ITEM_STATES).

        Everything is read anew after an error. Raises what a connection does when no server answers.
        """
        with self._lock:
            try:
                return self._sync()
            except Exception:
                self._version = 0
                raise

    def _sync(self) -> pa.Table:
        parts, version = [], None
        while version != self._version:
            version = self._version
            self._version, rows = self._items.changes(version)
            parts.append(rows)
            if self._version < version:
                self._version = 0
        changed = parts[0] if len(parts) == 1 else pa.concat_tables(parts)
        if len(changed):
            self._take(changed)
        return changed

    def _take(self, rows: pa.Table) -> None:
        columns = (rows[name].to_pylist() for name in ("item_id", "status", "ended_a", "ended_e"))
        for item_id, status, ended_a, ended_e in zip(*columns, strict=True):
            if status == ENDED:
                self.ended[item_id] = End(ended_a, ended_e)
            else:
                self.ended.pop(item_id, None)
