"""What user_updates have said of a user so far: one row a user, from which their attributes follow."""

import pyarrow as pa

from catalog.schema import TOPICS
from catalog.sql import quick
from catalog.updates import user_updates

# position, created_us: arrival of the last update. event_us: the latest event time of any. Times in us.
USER_STATES = pa.schema(
    [(name, pa.int64()) for name in ("position", "event_us", "created_us", "age")]
    + [("user_id", pa.string()), ("topics", TOPICS)]
)

_NEXT = f"""
WITH said AS (
  FROM held
  UNION ALL BY NAME
  SELECT *, position AS created_us FROM ({user_updates("events")}) AS new
  ANTI JOIN held ON new.user_id = held.user_id AND new.position <= held.position)
SELECT user_id, max(position) AS position, max(event_us) AS event_us, max(created_us) AS created_us,
  arg_max(age, position) AS age, arg_max(topics, position) AS topics
FROM said GROUP BY user_id ORDER BY user_id"""


def next_states(held: pa.Table, events: pa.Table) -> pa.Table:
    """The rows of every user who is held or whom an event is about (USER_STATES), once `events` have been taken in.

    held: USER_STATES. events: stamped, of one shard; those that a held row already contains change nothing.
    """
    return quick(_NEXT, held=held, events=events).select(USER_STATES.names).cast(USER_STATES)
