"""Who asks, read in one round trip: the history and tastes that candidates are found by."""

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
from feast import FeatureStore, FeatureView

from bentos.recommender.query import HISTORY, PICKED, PROFILE, TOPICS, Query
from models.viewer import Viewer
from models.viewing import viewers_of
from streamrank.events.shards import NEVER
from streamrank.stores.reader import OnlineRead, OnlineReader
from streamrank.stores.reading.plan import feature_service

SERVICE = "viewer"
USER_KEY = "user_id"
TOLD_BY = ("user_attributes", "user_traits", "user_daily", "user_live")
"""Views that have something of every user of whom anything is known; all others follow from the same."""


@dataclass(frozen=True)
class Asking:
    """known_by: what is known of the viewer, HISTORY, PICKED, TOPICS or PROFILE; None where nothing is.

    named: topics of the request, as the catalogue spells them. unknown_picked, unknown_topics: picked items, and named
    topics, that it does not have. read: what was read of the viewer.
    """

    viewer: Viewer
    known_by: str | None
    named: tuple[str, ...] = ()
    unknown_picked: tuple[str, ...] = ()
    unknown_topics: tuple[str, ...] = ()
    read: OnlineRead | None = None


class OnlineViewers:
    """Reads one user at a time; safe to share between threads."""

    def __init__(self, store: FeatureStore) -> None:
        """ValueError where the feature service `viewer` is not registered."""
        named = [
            f"{view.name_to_use()}:{field.name}"
            for view in feature_service(store, SERVICE).feature_view_projections
            for field in view.features
        ]
        live, stored = (_told(views) for views in (store.list_stream_feature_views(), store.list_feature_views()))
        told = [f"{view}:{feature}" for view, feature in (stored | live).items()]
        self._live = frozenset(live.values())
        self.reader, self._told = (OnlineReader(store, asked, blocks=False) for asked in (named, told))

    def read(self, query: Query, meanwhile: Callable[[], object] | None = None) -> OnlineRead:
        """What the store holds of who asks. meanwhile: called while it is waited for."""
        return self.reader.read({USER_KEY: query.user_id}, meanwhile=meanwhile)

    def asking(self, read: OnlineRead, query: Query, places: Mapping[str, int], topics: Mapping[str, str]) -> Asking:
        """The viewer of a query, of whom this was read. places: item_id -> place. topics: by their names in lower case.
        Reads whether anything else is known of one of whom this says nothing."""
        (found,) = viewers_of({**read.columns, USER_KEY: pa.array([query.user_id])}, 1, places)
        asked = replace(asking(found, query, places, topics, anything=False), read=read)
        if asked.known_by is None and self._anything(read, query.user_id):
            return replace(asked, known_by=PROFILE)
        return asked

    def _anything(self, read: OnlineRead, user_id: str) -> bool:
        """Whether the store holds anything of the user; one who did anything lately is known by that. Only of those of
        whom nothing better is known it is asked."""
        told = self._told.read({USER_KEY: user_id})
        active = any((applied != NEVER).any() for applied in told.windows.values())
        return active or any(_any_value(each, self._live) for each in (read, told))


def asking(
    viewer: Viewer, query: Query, places: Mapping[str, int], topics: Mapping[str, str], anything: bool
) -> Asking:
    """The viewer with what the request says of them. anything: whether anything else is known."""
    picked = [places.get(item_id, -1) for item_id in query.picked]
    unknown = tuple(item_id for item_id, place in zip(query.picked, picked, strict=True) if place < 0)
    named = tuple(dict.fromkeys(topics[name.casefold()] for name in query.topics if name.casefold() in topics))
    whole = replace(
        viewer, picked=np.array([place for place in picked if place >= 0], np.int64),
        topics=tuple(dict.fromkeys([*named, *viewer.topics])), surface=query.surface,
    )  # fmt: skip
    nobodys = tuple(name for name in query.topics if name.casefold() not in topics)
    return Asking(whole, _known_by(whole, anything), named, unknown, nobodys)


def _known_by(viewer: Viewer, anything: bool) -> str | None:
    if len(viewer.items) or viewer.vector is not None:
        return HISTORY
    if len(viewer.picked):
        return PICKED
    if viewer.topics or viewer.followed:
        return TOPICS
    return PROFILE if anything else None


def _told(views: Sequence[FeatureView]) -> dict[str, str]:
    """Of the views that tell whether a user is known, the first feature."""
    told = [view for view in views if view.name in TOLD_BY]
    return {view.name: next(f.name for f in view.features if f.name not in view.join_keys) for view in told}


def _any_value(read: OnlineRead, without: Set[str]) -> bool:
    """Whether any value is there, of features that are not among `without`: a count of nothing is 0."""
    kept = [place for place, name in enumerate(read.names) if name not in without]
    return not np.isnan(read.matrix[:, kept]).all() or any(
        column.null_count < len(column) for column in read.columns.values()
    )
