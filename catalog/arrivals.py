"""What happens to admitted events on arrival: they get their stamps, and their item's attributes as then known."""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from catalog.schema import EVENTS, shard_keys
from catalog.sql import file_list, query
from streamrank.events.log import EventLog
from streamrank.events.shards import shards_of, stamp

TELLING = ("item_update", "item_start")
# These say what is known of an item from their arrival on; an attribute that they do not name stays as it was.
UPDATES = f"""
SELECT item_id, arrived_at, nullif(attributes->>'creator_id', '') AS creator_id,
       CASE json_type(attributes, '$.topics')
            WHEN 'ARRAY' THEN TRY_CAST(attributes->'topics' AS VARCHAR[])
            WHEN 'VARCHAR' THEN string_split(attributes->>'topics', '|') END AS topics
FROM {{place}} WHERE event_type IN {TELLING}
"""
FILLED = """
WITH named AS (SELECT * FROM updates WHERE creator_id IS NOT NULL),
     sorted AS (SELECT * FROM updates WHERE len(topics) > 0)
SELECT events.* REPLACE (
    coalesce(events.creator_id, named.creator_id, items.creator_id) AS creator_id,
    coalesce(events.topics, sorted.topics, items.topics) AS topics)
FROM events LEFT JOIN items USING (item_id)
ASOF LEFT JOIN named ON events.item_id = named.item_id AND events.arrived_at >= named.arrived_at
ASOF LEFT JOIN sorted ON events.item_id = sorted.item_id AND events.arrived_at >= sorted.arrived_at
ORDER BY events.log_position, events.shard
"""


def stamped(events: pa.Table, log: EventLog) -> pa.Table:
    """`events` in the layout of EVENTS, in the order of arrival, stamped to follow what `log` holds.

    The order is by arrived_at, then event_time, then as they came.
    """
    events = events.take(pc.sort_indices(events, [("arrived_at", "ascending"), ("event_time", "ascending")]))
    shards = shards_of(shard_keys(events))
    arrived = events["arrived_at"].cast(pa.int64()).to_numpy()
    positions = pa.array(stamp(arrived, shards, log.last_positions()))
    stamps = {"arrived_at": positions.cast(EVENTS.field("arrived_at").type), "shard": shards, "log_position": positions}
    columns = {name: stamps[name] if name in stamps else events[name] for name in EVENTS.names}
    return pa.table(columns, schema=EVENTS)


def filled(events: pa.Table, items: pa.Table, logged: Sequence[str]) -> pa.Table:
    """`events` (stamped) with creator_id and topics, where an event does not bring its own, as known on its arrival.

    items: known always. logged: the log's files. Updates, there and in `events`, count from their arrival on.
    """
    updates = updates_of(events, logged)
    known = items.select(["item_id", "creator_id", "topics"])
    return query(FILLED, events=events, items=known, updates=updates).cast(EVENTS)


def updates_of(events: pa.Table, logged: Sequence[str]) -> pa.Table:
    """What is told of items in `events` and the log: item_id, arrived_at, creator_id and topics, null if not named."""
    places = ["events", f"read_parquet({file_list(logged)})"] if logged else ["events"]
    return query(" UNION ALL ".join(UPDATES.format(place=place) for place in places), events=events)


def of_unknown_items(items: pa.Table, logged: Sequence[str]) -> int:
    """How many events of the log name an item of which neither `items` nor an update tells."""
    if not logged:
        return 0
    sql = f"""SELECT count(*) AS n FROM read_parquet({file_list(logged)}) ANTI JOIN items USING (item_id)
              ANTI JOIN updates USING (item_id) WHERE item_id IS NOT NULL"""
    return query(sql, items=items, updates=updates_of(EVENTS.empty_table(), logged))["n"][0].as_py()
