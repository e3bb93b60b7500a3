"""Windows and latest acts are filled from events: nobody writes their features, through whichever of Feast's ways."""

from functools import wraps
from typing import Any

from feast import FeatureStore

from streamrank.stream.views import is_streamed


class WindowedWrite(ValueError):
    """Somebody wrote to a view whose values follow from events."""


def refuse_windowed(view: Any) -> None:
    """WindowedWrite where `view` follows events."""
    if is_streamed(view):
        raise WindowedWrite(
            f"feature view {view.name!r} is made of events and takes no rows: publish the events, with "
            f"`streamrank publish FILE` or POST /events"
        )


def refuse_early() -> None:
    """Makes Feast's writes refuse a windowed view before they look at the rows.

    `push`, `write_to_online_store` and the feature server's ways to them would otherwise miss the view's features in a
    frame of events, and say only that before a store is asked.
    """
    online, offline = FeatureStore._get_feature_view_and_df_for_online_write, FeatureStore.write_to_offline_store
    if hasattr(online, "__wrapped__"):
        return

    @wraps(online)
    def view_and_frame(self: FeatureStore, feature_view_name: str, *args: Any, **options: Any) -> Any:
        refuse_windowed(self.registry.get_any_feature_view(feature_view_name, self.project, allow_cache=True))
        return online(self, feature_view_name, *args, **options)

    @wraps(offline)
    def write_offline(self: FeatureStore, feature_view_name: str, *args: Any, **options: Any) -> Any:
        refuse_windowed(self.registry.get_any_feature_view(feature_view_name, self.project, allow_cache=True))
        return offline(self, feature_view_name, *args, **options)

    FeatureStore._get_feature_view_and_df_for_online_write = view_and_frame
    FeatureStore.write_to_offline_store = write_offline
