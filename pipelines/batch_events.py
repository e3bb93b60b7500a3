"""The event log as the numbers that daily features sum: one row an event, integers only."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
from duckdb import DuckDBPyConnection

from catalog.schema import EVENTS, ITEMS

FRACTION = 1_000_000
"""Fixed point: a watched share or a value of 1 is this many units, so that sums are exact in any order."""

LIKED = 4
"""The least value that counts as a like, on the five-point scale that ratings use."""

_NEEDED = ("event_time", "arrived_at", "event_type", "user_id", "item_id", "creator_id", "topics", "watch_ms",
           "duration_ms", "value", "surface")  # fmt: skip


def create_batch_events(connection: DuckDBPyConnection, files: Sequence[str], items: Path, last_day: int) -> None:
    """Makes the table `batch_events` of the events that arrived up to `last_day` (days since 1970-01-01 UTC).

    Columns: arrived and happened (days), user_id, item_id, creator_id, topic (the main one), topics, and the integers
    impressions, clicks, views, likes, follows, activity (0 or 1), watched (fixed point) of watches, rated (fixed
    point) of ratings. An event without a duration takes its item's; an event later than its arrival is read as it.
    """
    connection.execute("SET TimeZone = 'UTC'")
    register_files(connection, "logged_events", files, EVENTS.empty_table().select(_NEEDED))
    register_files(
        connection,
        "known_items",
        [str(items)] if items.exists() else [],
        ITEMS.empty_table().select(["item_id", "duration_ms"]),
    )
    connection.execute(f"""
CREATE OR REPLACE TEMP TABLE batch_events AS
SELECT
  arrived_at::DATE - DATE '1970-01-01' AS arrived,
  least(event_time, arrived_at)::DATE - DATE '1970-01-01' AS happened,
  user_id, e.item_id, e.creator_id, e.topics[1] AS topic, e.topics,
  (event_type = 'impression')::INT AS impressions,
  (event_type = 'click')::INT AS clicks,
  (event_type = 'view')::INT AS views,
  (event_type = 'like' OR (ratings = 1 AND value >= {LIKED}))::INT AS likes,
  (event_type = 'follow')::INT AS follows,
  (event_type NOT IN ('notify', 'item_start', 'item_end', 'item_update', 'user_update'))::INT AS activity,
  CASE WHEN watches = 1 THEN least(watch_ms, length)::HUGEINT * {FRACTION} // length ELSE 0 END::HUGEINT AS watched,
  watches,
  CASE WHEN ratings = 1 THEN round(value * {FRACTION}) ELSE 0 END::HUGEINT AS rated,
  ratings
FROM (
  SELECT l.*, coalesce(l.duration_ms, i.duration_ms) AS length,
    (event_type = 'view' AND l.watch_ms IS NOT NULL AND coalesce(length, 0) > 0)::INT AS watches,
    (event_type IN ('view', 'rating') AND coalesce(isfinite(l.value), FALSE))::INT AS ratings
  FROM logged_events l
  LEFT JOIN (SELECT item_id, max(duration_ms) AS duration_ms FROM known_items GROUP BY item_id) i USING (item_id)
) e
WHERE arrived <= {last_day}""")


def register_files(connection: DuckDBPyConnection, name: str, files: Sequence[str], nothing: pa.Table) -> None:
    """Makes the view `name` of the columns of `nothing` in Parquet files, or of no rows where there are no files."""
    if not files:
        connection.register(name, nothing)
        return
    listed = ", ".join("'" + file.replace("'", "''") + "'" for file in files)
    columns = ", ".join(f'"{column}"' for column in nothing.column_names)
    connection.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS SELECT {columns} FROM read_parquet([{listed}])")
