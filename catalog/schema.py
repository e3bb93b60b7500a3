"""The neutral layout: what an event, an item and a user are, whatever source they came from.

Ids are strings here and in Feast; a data set's manifest remembers their original type. Times are UTC microseconds.
"""

import pyarrow as pa
import pyarrow.compute as pc

INSTANT = pa.timestamp("us", tz="UTC")
TOPICS = pa.list_(pa.string())

EVENT_TYPES = (
    "impression", "click", "view", "like", "follow", "share", "comment", "hide", "rating", "notify",
    "viewer_enter", "viewer_ping", "viewer_leave", "session_start", "session",
    "item_start", "item_end", "item_update", "user_update",
)  # fmt: skip

ABOUT_ITEMS = ("item_start", "item_end", "item_update")

EVENTS = pa.schema([
    pa.field("event_id", pa.string(), nullable=False),
    pa.field("event_time", INSTANT, nullable=False),
    pa.field("arrived_at", INSTANT, nullable=False),
    pa.field("shard", pa.int32(), nullable=False),
    pa.field("log_position", pa.int64(), nullable=False),
    pa.field("event_type", pa.string(), nullable=False),
    pa.field("user_id", pa.string()),
    pa.field("item_id", pa.string()),
    pa.field("creator_id", pa.string()),
    pa.field("topics", TOPICS),
    pa.field("request_id", pa.string()),
    pa.field("session_id", pa.string()),
    pa.field("impression_id", pa.string()),
    pa.field("slot", pa.int32()),
    pa.field("watch_ms", pa.int64()),
    pa.field("duration_ms", pa.int64()),
    pa.field("value", pa.float64()),
    pa.field("device", pa.string()),
    pa.field("surface", pa.string()),
    pa.field("location", pa.string()),
    pa.field("attributes", pa.string()),  # JSON object, for item_update and user_update
])  # fmt: skip

# What a producer may say of an event; the bus gives the rest when it takes it.
STAMPS = ("arrived_at", "shard", "log_position")
PUBLISHED = pa.schema([field for field in EVENTS if field.name not in STAMPS])

ITEMS = pa.schema([
    pa.field("item_id", pa.string(), nullable=False),
    pa.field("creator_id", pa.string()),
    pa.field("topics", TOPICS),  # the first is the main one
    pa.field("title", pa.string()),
    pa.field("description", pa.string()),
    pa.field("cast", pa.list_(pa.string())),
    pa.field("language", pa.string()),
    pa.field("year", pa.int32()),
    pa.field("kind", pa.string()),  # "live" or "on_demand"
    pa.field("series_id", pa.string()),
    pa.field("season", pa.int32()),
    pa.field("episode", pa.int32()),
    pa.field("duration_ms", pa.int64()),
    pa.field("available_from", INSTANT),
    pa.field("available_until", INSTANT),
])  # fmt: skip

# Any further columns of a users source are kept behind these.
USERS = pa.schema([
    pa.field("user_id", pa.string(), nullable=False),
    pa.field("topics", TOPICS),  # stated by the user
    pa.field("country", pa.string()),
    pa.field("age", pa.int32()),
])  # fmt: skip


def shard_keys(events: pa.Table) -> pa.Array:
    """string [n], what an event's shard follows from: what is said of an item stays in order with the item's own shard,
    all else with its user's, and the item's where there is no user. Null where an event names neither.

    events: any table with event_type, user_id and item_id.
    """
    user, item = events["user_id"], events["item_id"]
    of_item = pc.is_in(events["event_type"], pa.array(ABOUT_ITEMS))
    keys = pc.if_else(of_item, pc.coalesce(item, user), pc.coalesce(user, item))
    return keys.combine_chunks() if isinstance(keys, pa.ChunkedArray) else keys
