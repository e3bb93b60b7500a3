"""What events have said of an item so far: one row an item, from which what is on air and its attributes follow."""

import pyarrow as pa

from catalog.schema import TOPICS
from catalog.sql import quick
from catalog.updates import item_updates

KNOWN, STARTED, ENDED = 0, 1, 2

# position: of the last event that is in the row. event_us, created_us: latest event time, and last arrival, of the
# events but item_end; null where there was none. status: ENDED after an item_end, STARTED after an item_start,
# whichever came last. ended_a, ended_e: arrival and event time of the last item_end. Times in us.
ITEM_STATES = pa.schema(
    [(name, pa.int64()) for name in ("position", "event_us", "created_us", "status", "ended_a", "ended_e")]
    + [(name, pa.int64()) for name in ("available_from", "available_until", "year", "duration_ms")]
    + [(name, pa.string()) for name in ("item_id", "creator_id", "title", "kind")]
    + [("topics", TOPICS)]
)

_LASTS = ("year", "duration_ms", "creator_id", "title", "kind", "topics", "available_from", "ended_a", "ended_e")
_NEXT = f"""
WITH said AS (
  FROM held
  UNION ALL BY NAME
  SELECT * EXCLUDE (event_type, event_us),
    CASE WHEN event_type <> 'item_end' THEN event_us END AS event_us,
    CASE WHEN event_type <> 'item_end' THEN position END AS created_us,
    CASE event_type WHEN 'item_start' THEN {STARTED} WHEN 'item_end' THEN {ENDED} END AS status,
    CASE WHEN event_type = 'item_end' THEN position END AS ended_a,
    CASE WHEN event_type = 'item_end' THEN event_us END AS ended_e,
    event_type = 'item_start' AS starts
  FROM ({item_updates("events")}) AS new
  ANTI JOIN held ON new.item_id = held.item_id AND new.position <= held.position),
since AS (SELECT *, max(position) FILTER (starts) OVER (PARTITION BY item_id) AS started_p FROM said)
SELECT item_id, max(position) AS position, max(event_us) AS event_us, max(created_us) AS created_us,
  coalesce(arg_max(status, position), {KNOWN}) AS status,
  arg_max(available_until, position) FILTER (started_p IS NULL OR position >= started_p) AS available_until,
  {", ".join(f"arg_max({name}, position) AS {name}" for name in _LASTS)}
FROM since GROUP BY item_id ORDER BY item_id"""


def next_states(held: pa.Table, events: pa.Table) -> pa.Table:
    """The rows of every item that is held or that an event is about (ITEM_STATES), once `events` have been taken in.

    held: ITEM_STATES. events: stamped, of one shard; those that a held row already contains change nothing.
    """
    return quick(_NEXT, held=held, events=events).select(ITEM_STATES.names).cast(ITEM_STATES)
