"""What a windowed view stores and answers, read from its Feast declaration."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import duckdb
import pyarrow as pa
from feast import FeatureStore
from feast.stream_feature_view import StreamFeatureView
from feast.types import FeastType

from streamrank.windows import declared, per_event, rows
from streamrank.windows.errors import refused
from streamrank.windows.layout import Layout, layout_of
from streamrank.windows.slots import Feature, Ring, Slot
from streamrank.windows.source import EventSource

__all__ = [
    "Feature", "Ring", "Slot", "WindowedView", "check", "event_rows", "is_windowed", "windowed_view", "windowed_views",
]  # fmt: skip


@dataclass(frozen=True)
class WindowedView:
    """join_keys: sorted by name. rings: ascending by slide. lifetime: what is aggregated without a window.

    scales: steps a unit of each column in fixed point. fingerprint: of everything that changes stored values, so
    that a changed declaration never reads tiles of the old one. ttl_us: how long an idle key is kept, 0 for ever.
    """

    name: str
    join_keys: tuple[str, ...]
    key_types: Mapping[str, FeastType]
    source: EventSource
    features: tuple[Feature, ...]
    rings: tuple[Ring, ...]
    lifetime: tuple[Slot, ...]
    scales: Mapping[str, int]
    fingerprint: str
    ttl_us: int

    @cached_property
    def layout(self) -> Layout:
        """How its values lie."""
        return layout_of(self.rings, self.lifetime)

    @property
    def slots(self) -> tuple[Slot, ...]:
        """Everything stored, each once; `event_rows` gives a column for each."""
        return tuple(sorted({slot for ring in self.rings for slot in ring.slots} | set(self.lifetime)))


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
