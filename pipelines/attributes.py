"""What is known of items and users as SQL: what their files say, and over it what updates have named since.

What a file says counts as known always: its two times are 1970-01-01, since a file says nothing of when it became
known. Each update makes a row that is known from its arrival on: what was named last of every attribute. Its event time
is the latest of the updates so far, so that what arrived last is what holds. The worker writes the same rows online.
"""

from collections.abc import Sequence
from pathlib import Path

from duckdb import DuckDBPyConnection

from catalog.schema import EVENTS, ITEMS, USERS
from catalog.updates import (
    ITEM_ATTRIBUTES,
    ITEM_FEATURES,
    USER_ATTRIBUTES,
    USER_FEATURES,
    item_updates,
    user_updates,
)
from pipelines.batch_events import register_files
from streamrank import clock

_NEEDED = ("event_type", "event_time", "arrived_at", "log_position", "item_id", "user_id", "attributes")


def item_attributes(connection: DuckDBPyConnection, items: Path, logged: Sequence[str] = ()) -> str:
    """SQL of the rows of each item: creator, topics, duration and year as floats, available_from in us since 1970.

    items: the items file. logged: the event log's files.
    """
    register_files(connection, "item_rows", [str(items)] if items.exists() else [], ITEMS.empty_table())
    _register_told(connection, logged)
    known = "SELECT * REPLACE (epoch_us(available_from) AS available_from) FROM item_rows"
    updates = f"SELECT * FROM ({item_updates('told')}) WHERE event_type <> 'item_end'"
    return _rows("item_id", ITEM_ATTRIBUTES, ITEM_FEATURES, known, updates)


def user_attributes(connection: DuckDBPyConnection, users: Path, logged: Sequence[str] = ()) -> str:
    """SQL of the rows of each user: the topics they stated, and their age."""
    register_files(connection, "user_rows", [str(users)] if users.exists() else [], USERS.empty_table())
    _register_told(connection, logged)
    return _rows("user_id", USER_ATTRIBUTES, USER_FEATURES, "FROM user_rows", user_updates("told"))


def _register_told(connection: DuckDBPyConnection, logged: Sequence[str]) -> None:
    register_files(connection, "told_events", logged, EVENTS.empty_table().select(_NEEDED))
    now = f"make_timestamptz({clock.now_us()})"
    connection.execute(f"CREATE OR REPLACE TEMP VIEW told AS FROM told_events WHERE arrived_at <= {now}")


def _rows(key: str, attributes: Sequence[str], features: str, known: str, updates: str) -> str:
    named = ", ".join(
        f"coalesce(last_value(u.{name} IGNORE NULLS) OVER so_far, k.{name}) AS {name}" for name in attributes
    )
    return f"""
WITH known AS ({known}), updates AS ({updates}),
rows AS (
  SELECT {key}, 0::BIGINT AS event_us, 0::BIGINT AS created_us, {", ".join(attributes)} FROM known
  UNION ALL BY NAME
  SELECT u.{key}, max(u.event_us) OVER so_far AS event_us, u.position AS created_us, {named}
  FROM updates u LEFT JOIN known k USING ({key})
  WINDOW so_far AS (PARTITION BY u.{key} ORDER BY u.position ROWS UNBOUNDED PRECEDING))
SELECT {key}, make_timestamptz(event_us) AS event_timestamp, make_timestamptz(created_us) AS created, {features}
FROM rows ORDER BY {key}, event_timestamp, created"""
