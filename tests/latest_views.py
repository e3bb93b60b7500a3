"""Views of latest acts for tests, the events they are made of, and their rows in plain Python."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from feast import Entity, FeatureView, Field, PushSource, ValueType
from feast.types import Array, FeastType, Float32, Int64, String

from streamrank.latest.source import LatestSource
from streamrank.latest.spec import LatestView, latest_view

USER = Entity(name="user", join_keys=["user_id"], value_type=ValueType.STRING)
COLUMNS = {
    "event_time": "TIMESTAMPTZ", "shard": "INTEGER", "log_position": "BIGINT", "user_id": "VARCHAR",
    "words": "VARCHAR[]", "amount": "DOUBLE",
}  # fmt: skip
SQL = """SELECT event_time, shard, log_position, user_id, unnest(words) AS word, amount, length(user_id) AS size
FROM events"""
FIELDS = {"word": Array(String), "amount": Array(Float32), "size": Array(Int64)}


def feature_view(
    sql: str = SQL, most: int = 3, log: str = "/nowhere", fields: Mapping[str, FeastType] | None = None,
    columns: Mapping[str, str] | None = None, name: str = "acts",
) -> FeatureView:  # fmt: skip
    """One act for each word of an event."""
    source = LatestSource(
        name=f"{name}_events", log=log, sql=sql, most=most, columns=COLUMNS if columns is None else columns
    )
    schema = {"user_id": String, **(FIELDS if fields is None else fields)}
    return FeatureView(
        name=name, entities=[USER], source=PushSource(name=name, batch_source=source),
        schema=[Field(name=field, dtype=dtype) for field, dtype in schema.items()],
    )  # fmt: skip


def declared(**options) -> LatestView:
    return latest_view(feature_view(**options))


@dataclass(frozen=True)
class Event:
    """Of one user, all of whose events are in one shard. time_us may lie after the position."""

    position: int
    time_us: int
    user: str | None
    words: tuple[str | None, ...] = ("w",)
    amount: float | None = None


def table(events: Iterable[Event]) -> pa.Table:
    """As the log has them."""
    events = list(events)
    return pa.table({
        "event_time": pa.array([event.time_us for event in events], pa.timestamp("us", "UTC")),
        "shard": pa.array([ord((event.user or "a")[0]) % 16 for event in events], pa.int32()),
        "log_position": pa.array([event.position for event in events], pa.int64()),
        "user_id": pa.array([event.user for event in events], pa.string()),
        "words": pa.array([list(event.words) for event in events], pa.list_(pa.string())),
        "amount": pa.array([event.amount for event in events], pa.float64()),
    })  # fmt: skip


def row(events: Sequence[Event], user: str | None, position: int, most: int) -> tuple | None:
    """(e, c, words, amounts, sizes) of what had arrived up to a position, None for no acts; a NaN is a None."""
    own = sorted((event for event in events if event.user == user and event.position <= position),
                 key=lambda event: event.position)  # fmt: skip
    acts = [(event, word) for event in own for word in sorted(word for word in event.words if word is not None)]
    if not acts or user is None:
        return None
    amounts = [None if event.amount is None else float(np.float32(event.amount)) for event, _ in acts]
    return (
        max(min(event.time_us, event.position) for event, _ in acts), acts[-1][0].position,
        [word for _, word in acts][-most:], amounts[-most:], [len(user)] * min(most, len(acts)),
    )  # fmt: skip


def without_nan(rows: Iterable[list | None]) -> list:
    return [None if each is None else [None if one != one else one for one in each] for each in rows]
