"""What a user did lately, act by act: the arrays that candidates and their features are made of."""

from entities import user
from feast import FeatureView, Field, PushSource
from feast.types import Array, Float32, Int64, String
from windows import EVENT_LOG

from streamrank.latest.source import LatestSource

MOST = 1_000
SHARE = "CASE WHEN event_type = 'view' AND duration_ms > 0 THEN least(watch_ms, duration_ms) / duration_ms END"
RATED = "CASE WHEN event_type IN ('view', 'rating') AND isfinite(value) THEN greatest(value, 0) END"
WEIGHT = f"""CASE WHEN {SHARE} IS NOT NULL THEN 0.25 + 1.75 * ({SHARE}) WHEN {RATED} IS NOT NULL THEN ({RATED}) / 3
    WHEN event_type = 'like' THEN 2 WHEN event_type = 'click' THEN 0.5 ELSE 1 END"""
"""How much an act says for the item, 1 for one of which nothing more is known; a share watched says more than a value,
which may be a label made of it."""

ACTS = f"""SELECT event_time, shard, log_position, user_id,
  item_id AS recent_items,
  least(epoch_us(event_time), log_position) AS recent_times,
  CAST({WEIGHT} AS FLOAT) AS recent_weights,
  CAST({SHARE} AS FLOAT) AS recent_watched,
  CAST({RATED} AS FLOAT) AS recent_ratings
FROM events WHERE event_type IN ('view', 'click', 'like', 'rating', 'session')"""
HIDDEN = """SELECT event_time, shard, log_position, user_id, item_id AS hidden_items
FROM events WHERE event_type = 'hide'"""
FOLLOWED = """SELECT event_time, shard, log_position, user_id, creator_id AS followed_creators
FROM events WHERE event_type = 'follow'"""


def latest(name: str, sql: str, schema: list[Field], description: str) -> FeatureView:
    """A view of a user's latest acts."""
    source = LatestSource(name=f"{name}_events", log=EVENT_LOG, sql=sql, most=MOST)
    return FeatureView(
        name=name, entities=[user], schema=schema, source=PushSource(name=name, batch_source=source),
        description=description,
    )  # fmt: skip


user_recent = latest(
    "user_recent",
    ACTS,
    [
        Field(name="recent_items", dtype=Array(String)),
        Field(name="recent_times", dtype=Array(Int64), description="us UTC, never after the arrival"),
        Field(name="recent_weights", dtype=Array(Float32), description="0 to 2: how much it says for the item"),
        Field(name="recent_watched", dtype=Array(Float32), description="share of the item watched, NaN if unknown"),
        Field(name="recent_ratings", dtype=Array(Float32), description="rating or value of a view, NaN without one"),
    ],
    "The last 1,000 acts on items (views, sessions, clicks, likes, ratings), in the order of their arrival.",
)

user_hidden = latest(
    "user_hidden",
    HIDDEN,
    [Field(name="hidden_items", dtype=Array(String))],
    "The last 1,000 items that they do not want to see again, in the order of their arrival.",
)

user_follows = latest(
    "user_follows",
    FOLLOWED,
    [Field(name="followed_creators", dtype=Array(String))],
    "The creators of the last 1,000 follows, in the order of their arrival.",
)
