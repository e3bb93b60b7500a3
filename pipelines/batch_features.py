"""Batch features: the event log and the attributes of a data set become one Parquet file a feature view.

A daily row holds for the state at the end of its UTC day (`event_timestamp`) and is known after the schedule's delay
(`created`), whenever it is computed: a backfilled row stays visible to the past that it describes. Only rows that are
known by now are written. Two runs over the same log write the same rows, in the same order.
"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import duckdb
from rich.progress import track

from catalog.dataset import DataSet
from pipelines.attributes import item_attributes, user_attributes
from pipelines.batch_events import create_batch_events
from pipelines.daily_views import VIEWS, create_everything, feature_rows
from pipelines.interests import interests
from pipelines.user_levels import level_instants, user_levels
from pipelines.user_traits import user_traits
from pipelines.vectors import make_files
from streamrank import clock
from streamrank.events.log import EventLog
from streamrank.settings import settings


def compute_batch_features(data: DataSet) -> dict[str, int]:
    """Writes `features/<view>.parquet` for every view of the data set; the rows written by view name.

    Each file is replaced in one step. Views without any row are written too, with their columns.
    """
    data.features.mkdir(parents=True, exist_ok=True)
    make_files(data)
    last_day = last_known_day()
    with duckdb.connect() as connection:
        logged = EventLog(data.events).files()
        create_batch_events(connection, logged, data.items, last_day)
        create_everything(connection, last_day)
        queries = dict(_queries(connection, data, logged, last_day))
        return {
            name: _write(connection, query, data.features / f"{name}.parquet")
            for name, query in track(queries.items(), "batch features")
        }


def names() -> list[str]:
    """The views that are computed."""
    return [
        *(view.name for view in VIEWS),
        "user_interests",
        "item_attributes",
        "user_attributes",
        "user_traits",
        "user_levels",
    ]


def last_known_day() -> int:
    """The last UTC day, counted from 1970-01-01, whose features are known now: its end plus the delay has passed."""
    return (clock.now_us() - _delay_us()) // clock.DAY - 1


def _delay_us() -> int:
    return round(settings().batch_delay.total_seconds() * clock.SECOND)


def _queries(
    connection: duckdb.DuckDBPyConnection, data: DataSet, logged: Sequence[str], last_day: int
) -> Iterator[tuple[str, str]]:
    for view in VIEWS:
        yield view.name, _stamped(feature_rows(view, last_day), tuple(view.windows.keys), tuple(view.features))
    listed = ("user_top_topics", "user_top_topic_shares")
    yield "user_interests", _stamped(interests("batch_events", last_day), ("user_id",), listed)
    yield "item_attributes", item_attributes(connection, data.items, logged)
    yield "user_attributes", user_attributes(connection, data.users, logged)
    yield "user_traits", user_traits(connection, data.users)
    yield "user_levels", user_levels("logged_events", _level_instants(connection, data), _delay_us())


def _level_instants(connection: duckdb.DuckDBPyConnection, data: DataSet) -> list[int]:
    ends = "SELECT epoch_us(min(arrived_at)), epoch_us(max(arrived_at)) FROM logged_events"
    first, last = connection.execute(ends).fetchone()
    known = clock.now_us() - _delay_us()
    found = level_instants(first, last, data.manifest()) if first is not None else []
    return [instant for instant in found if instant <= known]


def _stamped(rows: str, keys: tuple[str, ...], features: tuple[str, ...]) -> str:
    """Rows by `day` with their two times in its place, sorted by key and time."""
    end = f"make_timestamp((day + 1) * {clock.DAY})"
    return f"""
SELECT {", ".join(keys)}, {end} AT TIME ZONE 'UTC' AS event_timestamp,
  ({end} + to_microseconds({_delay_us()})) AT TIME ZONE 'UTC' AS created, {", ".join(features)}
FROM ({rows}) ORDER BY {", ".join(keys)}, event_timestamp"""


def _write(connection: duckdb.DuckDBPyConnection, query: str, path: Path) -> int:
    partial = path.with_suffix(".parquet.partial")
    escaped = str(partial).replace("'", "''")
    rows = connection.execute(f"COPY ({query}) TO '{escaped}' (FORMAT parquet, COMPRESSION zstd)").fetchone()[0]
    os.replace(partial, path)
    return rows
