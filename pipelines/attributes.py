"""What is known of items and users as SQL: attributes that count as known always.

Their two times are 1970-01-01, since a file of items says nothing of when it became known.
"""

from pathlib import Path

from duckdb import DuckDBPyConnection

from catalog.schema import ITEMS, USERS
from pipelines.batch_events import register_files

ALWAYS = "TIMESTAMPTZ '1970-01-01 00:00:00+00'"


def item_attributes(connection: DuckDBPyConnection, items: Path) -> str:
    """SQL of a row an item: creator, topics, duration and year as floats, available_from in us since 1970."""
    register_files(connection, "item_rows", [str(items)] if items.exists() else [], ITEMS.empty_table())
    return _known_always(
        "item_id",
        """creator_id AS item_creator_id, topics AS item_topics, duration_ms::FLOAT AS item_duration_ms,
  year::FLOAT AS item_year, epoch_us(available_from)::BIGINT AS item_available_from""",
        "item_rows",
    )


def user_attributes(connection: DuckDBPyConnection, users: Path) -> str:
    """SQL of a row a user: the topics they stated, and their age."""
    register_files(connection, "user_rows", [str(users)] if users.exists() else [], USERS.empty_table())
    return _known_always("user_id", "topics AS user_stated_topics, age::FLOAT AS user_age", "user_rows")


def _known_always(key: str, columns: str, rows: str) -> str:
    return f"SELECT {key}, {ALWAYS} AS event_timestamp, {ALWAYS} AS created, {columns} FROM {rows} ORDER BY {key}"
