"""Live state made anew from the event log, where Redis has none: on a new server, and after its data was lost.

Items and users are what all their events in the log come to. Sessions are those that the log says began and did not
end; signs that reached the log but no session before the loss are passed over, so that none is told of twice.
"""

import logging
import time
from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from catalog.live import item_states, user_states
from catalog.live.keys import items_prefix, users_prefix
from catalog.live.latest import Latest
from catalog.live.pairing import SIGNS
from catalog.live.viewer_store import Change, ViewerStore
from catalog.live.viewers import VIEWERS
from catalog.schema import EVENTS
from catalog.sql import file_list, query
from streamrank.events.log import EventLog
from streamrank.events.redis_streams.keys import shard_prefix as bus_prefix
from streamrank.events.shards import SHARDS, shards_of
from streamrank.stores.connection import Connection
from streamrank.stores.connection.requests import Command

logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.25
UPDATES = ("item_start", "item_update", "item_end", "user_update")
OPEN = f"""
WITH started AS (
  SELECT * REPLACE (shard::BIGINT AS shard), epoch_us(event_time) AS started_e,
    split_part(session_id, '-', 2)::BIGINT AS started_p
  FROM logged ANTI JOIN (SELECT session_id FROM logged WHERE event_type = 'session') USING (session_id)
  WHERE event_type = 'session_start'),
signs AS (
  SELECT user_id, item_id, log_position, epoch_us(event_time) AS event_us FROM logged WHERE event_type IN {SIGNS})
SELECT s.* EXCLUDE (event_time, event_type, session_id, log_position),
  max(greatest(started_p, v.log_position)) AS seen_a, max(greatest(started_e, v.event_us)) AS seen_e
FROM started s LEFT JOIN signs v ON s.user_id = v.user_id AND s.item_id = v.item_id AND v.log_position >= s.started_p
GROUP BY ALL"""


class Restoring:
    """Sees to it that there is live state before it is worked with."""

    def __init__(self, connection: Connection, project: str, log: EventLog) -> None:
        self._connection, self._project, self._log = connection, project, log
        self._mark, self._looked = items_prefix(project) + b"restored", -LOOK_SECONDS

    def ensure(self) -> None:
        """Makes live state of the log where there is none; looked up several times a second at most."""
        if time.monotonic() - self._looked < LOOK_SECONDS:
            return
        if not self._connection.ask(Command(b"EXISTS", self._mark))[0]:
            self._restore()
            self._connection.ask(Command(b"SET", self._mark, b"1"))
        self._looked = time.monotonic()

    def _restore(self) -> None:
        if not self._log.files():
            return
        logger.info("project %s: live state is made of the event log", self._project)
        self._restore_updates(self._logged(UPDATES, EVENTS.names))
        self._restore_sessions()

    def _restore_updates(self, events: pa.Table) -> None:
        items = item_states.next_states(item_states.ITEM_STATES.empty_table(), events)
        Latest(self._connection, items_prefix(self._project), item_states.ITEM_STATES, "item_id").put(items)
        users = user_states.next_states(user_states.USER_STATES.empty_table(), events)
        shards = shards_of(users["user_id"])
        for shard in np.unique(shards).tolist():
            prefix = users_prefix(self._project, shard)
            own = users.filter(shards == shard)
            Latest(self._connection, prefix, user_states.USER_STATES, "user_id").put(own)

    def _restore_sessions(self) -> None:
        """Nothing where signs have been paired since: their version is not 0."""
        names = {*VIEWERS.names, "event_time", "event_type", "session_id", "log_position"} & {*EVENTS.names}
        logged = self._logged((*SIGNS, "session_start", "session"), sorted(names))
        viewers = query(OPEN, logged=logged).select(VIEWERS.names).cast(VIEWERS)
        ends = np.maximum(self._log.last_positions(), 0)
        changes = {
            shard: Change(0, 0, None, int(ends[shard]), (bus_prefix(self._project, shard), (b"",) * 5))
            for shard in range(SHARDS)
        }
        ViewerStore(self._connection, self._project).write(changes, viewers, viewers.slice(0, 0))

    def _logged(self, types: Sequence[str], columns: Sequence[str]) -> pa.Table:
        listed = ", ".join(f"'{name}'" for name in types)
        files = file_list(self._log.files())
        return query(f"SELECT {', '.join(columns)} FROM read_parquet({files}) WHERE event_type IN ({listed})")
