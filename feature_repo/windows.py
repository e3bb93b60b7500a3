"""Windows over the event log: which there are, and how a view of them is declared.

An aggregation counts or sums one column of the view's SQL over one window that slides: a window of 10 minutes that
slides by 1 minute covers the last 10 minutes and the minute that has begun. Values follow events within moments online,
and offline every training row gets what was known at its own instant, late events included.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from feast import Entity, Field, PushSource, StreamFeatureView
from feast.aggregation import Aggregation
from feast.types import Float32

from streamrank.windows.source import EventSource

EVENT_LOG = os.path.expandvars("${STREAMRANK_ROOT}/${STREAMRANK_DATASET}/events")
"""The data set's folder, from the same variables as feature_store.yaml."""


@dataclass(frozen=True)
class Window:
    """suffix: of the features' names, in hours where daily features have days. length, slide: both written out, since
    Feast takes an omitted slide for the length."""

    suffix: str
    length: timedelta
    slide: timedelta


TEN_MINUTES = Window("10m", timedelta(minutes=10), timedelta(minutes=1))
HALF_HOUR = Window("30m", timedelta(minutes=30), timedelta(minutes=1))
HOUR = Window("1h", timedelta(hours=1), timedelta(minutes=5))
DAY = Window("24h", timedelta(hours=24), timedelta(hours=1))
WEEK = Window("168h", timedelta(days=7), timedelta(hours=6))

COLUMNS = {
    "impressions": "CASE WHEN event_type = 'impression' THEN 1 END",
    "clicks": "CASE WHEN event_type = 'click' THEN 1 END",
    "views": "CASE WHEN event_type = 'view' THEN 1 END",
    "likes": "CASE WHEN event_type = 'like' OR (event_type IN ('view', 'rating') AND value >= 4) THEN 1 END",
    "follows": "CASE WHEN event_type = 'follow' THEN 1 END",
    "shares": "CASE WHEN event_type = 'share' THEN 1 END",
    "notifications": "CASE WHEN event_type = 'notify' THEN 1 END",
    "watch_ms": "CASE WHEN event_type IN ('view', 'session') THEN watch_ms END",
    "sessions": "CASE WHEN event_type = 'session' THEN 1 END",
    "long_sessions": "CASE WHEN event_type = 'session' AND duration_ms > 300000 THEN 1 END",
    "acts": "CASE WHEN event_type NOT IN ('impression', 'notify', 'session') THEN 1 END",
    "viewers": "CASE event_type WHEN 'session_start' THEN 1 WHEN 'session' THEN -1 END",
}
"""What an event adds, by column; null where it adds nothing."""

COUNTED = frozenset(COLUMNS) - {"watch_ms", "viewers"}


def counted(prefix: str, columns: Sequence[str], *windows: Window) -> Iterator[Aggregation]:
    """`<prefix>_<column>_<window>`: a count of each column over each window; of watch_ms a sum."""
    for window in windows:
        for column in columns:
            function = "count" if column in COUNTED else "sum"
            yield over(window, function, column, f"{prefix}_{column}")


def over(window: Window, function: str, column: str, name: str) -> Aggregation:
    return Aggregation(column, function, window.length, window.slide, f"{name}_{window.suffix}")


def live_view(
    name: str, entities: Sequence[Entity], keys: Mapping[str, str], types: Sequence[str],
    aggregations: Sequence[Aggregation], description: str,
) -> StreamFeatureView:  # fmt: skip
    """A view of windows over the event log.

    keys: join key -> its SQL over an event. types: the event types that count. Each aggregation is a Float32 feature.
    """
    read = {**keys, **{column: COLUMNS[column] for column in dict.fromkeys(each.column for each in aggregations)}}
    columns = ",\n  ".join(f"{expression} AS {column}" for column, expression in read.items())
    listed = ", ".join(f"'{kind}'" for kind in types)
    sql = f"SELECT event_time, shard, log_position,\n  {columns}\nFROM events WHERE event_type IN ({listed})"
    events = EventSource(name=f"{name}_events", log=EVENT_LOG, sql=sql)
    return StreamFeatureView(
        name=name,
        entities=list(entities),
        schema=[Field(name=each.resolved_name(each.time_window), dtype=Float32) for each in aggregations],
        source=PushSource(name=name, batch_source=events),
        aggregations=list(aggregations),
        timestamp_field="event_time",
        description=description,
    )
