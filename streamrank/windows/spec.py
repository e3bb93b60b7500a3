"""What a windowed view stores and answers, read from its Feast declaration."""

from collections.abc import Iterable

import duckdb
import pyarrow as pa
from feast import FeatureStore
from feast.stream_feature_view import StreamFeatureView

from streamrank.windows import declared, per_event, rows
from streamrank.windows.errors import refused
from streamrank.windows.slots import Feature, Ring, Slot
from streamrank.windows.source import EventSource
from streamrank.windows.view import WindowedView

__all__ = [
    "Feature", "Ring", "Slot", "WindowedView", "check", "event_rows", "is_windowed", "windowed_view", "windowed_views",
]  # fmt: skip


def is_windowed(view: object) -> bool:
    """Whether a view is a StreamFeatureView with aggregations over an EventSource."""
    return (
        isinstance(view, StreamFeatureView) and bool(view.aggregations) and isinstance(view.batch_source, EventSource)
    )


def windowed_view(view: StreamFeatureView) -> WindowedView:
    """What `view` stores and answers. DeclarationError with the view, the aggregation and the remedy."""
    given = per_event.checked(view.batch_source, f"view {view.name!r}")
    features = declared.features(view, given)
    join_keys = declared.key_types(view, given)
    rings, lifetime = declared.stored(features)
    source: EventSource = view.batch_source
    scales = declared.steps(view, features)
    longest = max((feature.window_us + 2 * feature.slide_us for feature in features if feature.window_us), default=0)
    return WindowedView(
        view.name, tuple(join_keys), join_keys, source, features, rings, lifetime, scales,
        declared.fingerprint(source, join_keys, rings, lifetime, scales), 0 if lifetime else longest,
    )  # fmt: skip


def windowed_views(store: FeatureStore) -> list[WindowedView]:
    """The windowed views of the registry."""
    return [windowed_view(view) for view in store.list_stream_feature_views() if is_windowed(view)]


def check(views: Iterable[object]) -> None:
    """DeclarationError for the first view over an EventSource that cannot be run exactly; other views pass."""
    for view in views:
        if is_windowed(view):
            windowed_view(view)
        elif isinstance(getattr(view, "batch_source", None), EventSource):
            raise refused(
                f"view {view.name!r}", "a StreamFeatureView with aggregations", f"{type(view).__name__} without",
                f"say with aggregations=[Aggregation(...)] what is counted of source {view.batch_source.name!r}",
            )  # fmt: skip


def event_rows(connection: duckdb.DuckDBPyConnection, view: WindowedView, relation: str = "events") -> pa.Table:
    """The rows that the view's SQL makes of the events in `relation`: join keys, `event_us`, `shard`, `log_position`
    and a column for each of `view.slots` as `rows.sql` describes; rows without a key or a value are left out."""
    return rows.table(connection, view, relation)
