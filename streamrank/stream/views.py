"""The views that follow the events of the bus: windows over them, and the latest acts of a key."""

from collections.abc import Iterable

from feast import FeatureStore

from streamrank.latest.scattered import refuse_scattered
from streamrank.latest.spec import LatestView, is_latest, latest_view
from streamrank.windows import spec
from streamrank.windows.spec import WindowedView, is_windowed, windowed_view

StreamedView = WindowedView | LatestView


def is_streamed(view: object) -> bool:
    """Whether a feature view follows events, so that nobody else writes its rows."""
    return is_windowed(view) or is_latest(view)


def streamed_view(view: object) -> StreamedView:
    """What a streamed view holds. DeclarationError with the view and the remedy."""
    return latest_view(view) if is_latest(view) else windowed_view(view)


def streamed_views(store: FeatureStore) -> list[StreamedView]:
    """The streamed views of the registry."""
    return [
        streamed_view(view)
        for view in (*store.list_stream_feature_views(), *store.list_feature_views())
        if is_streamed(view)
    ]


def check(views: Iterable[object]) -> None:
    """DeclarationError for the first view over events that cannot be run exactly; other views pass."""
    views = list(views)
    spec.check(views)
    for view in filter(is_latest, views):
        refuse_scattered(latest_view(view))
