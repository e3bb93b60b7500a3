"""Online features through the reader: who the user is, and the matrix that the ranker scores."""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import redis
from feast import FeatureStore
from feast.repo_config import load_repo_config
from feast.types import Float32

from streamrank.clock import SECOND
from streamrank.events.shards import NEVER
from streamrank.stores.reader import PAST_TOLERANCE_US, OnlineRead, OnlineReader
from streamrank.windows.spec import windowed_view

STORE_ERRORS = (redis.RedisError, ConnectionError)
"""What a read raises when the online store is down or hangs."""

USER_KEY = "user_id"
TOP_TOPICS = "user_top_topics"


@dataclass(frozen=True)
class UserFeatures:
    """known: whether the store holds anything of the user. top_topics: most viewed first."""

    known: bool
    top_topics: list[str]


class OnlineFeatures:
    """Reads for one user at a time; safe to share between threads."""

    def __init__(self, store: FeatureStore, service: str, names: Sequence[str], patience_seconds: float = 0.0) -> None:
        """service: the feature service that the model was trained on. names: the matrix's columns in order.

        patience_seconds: how long a request may wait before it is read.
        Raises ValueError when the service lacks one of them as Float32: feature_repo has changed since the training.
        """
        registered = store.get_feature_service(service)
        fields = [field for view in registered.feature_view_projections for field in view.features]
        declared = {field.name for field in fields if field.dtype == Float32}
        if missing := sorted(set(names) - declared):
            raise ValueError(
                f"the promoted model takes Float32 features that feature service {service!r} lacks: {missing}; declare "
                f"them and run `streamrank apply`, or train and promote a model on what there is"
            )
        patience = max(PAST_TOLERANCE_US, round(patience_seconds * SECOND))
        self._ranked = OnlineReader(store, registered, past_us=patience)
        self._places = [self._ranked.names.index(name) for name in names]
        views = [view for view in store.list_feature_views() if view.join_keys == [USER_KEY]]
        references = [f"{view.name}:{field.name}" for view in views for field in view.features]
        live = [windowed_view(view) for view in store.list_stream_feature_views() if view.join_keys == [USER_KEY]]
        self._live = frozenset(view.features[0].name for view in live)
        references += [f"{view.name}:{view.features[0].name}" for view in live]
        self._users = OnlineReader(store, references) if references else None

    def user(self, user_id: str) -> UserFeatures:
        """One read of the views that are keyed by the user alone; one who did anything lately is known by that."""
        if self._users is None:
            return UserFeatures(known=True, top_topics=[])
        read = self._users.read({USER_KEY: user_id})
        topics = read.columns[TOP_TOPICS].to_pylist()[0] if TOP_TOPICS in read.columns else None
        active = any((applied != NEVER).any() for applied in read.windows.values())
        return UserFeatures(active or _anything(read, self._live), topics or [])

    @property
    def reader(self) -> OnlineReader:
        """Of the feature service."""
        return self._ranked

    def read(self, user_id: str, item_ids: np.ndarray, as_of_us: int, surface: str | None) -> OnlineRead:
        """The features of a user's items. item_ids: str [items]."""
        asked = {"request_time": as_of_us, "surface": surface}
        return self._ranked.read({USER_KEY: user_id, "item_id": item_ids}, asked, as_of_us)

    def matrix(self, read: OnlineRead) -> np.ndarray:
        """float32 [items, names], NaN where a feature is missing."""
        return read.matrix if self._places == [*range(len(read.names))] else read.matrix[:, self._places]


def _anything(read: OnlineRead, without: Set[str]) -> bool:
    """Whether any value is there, of features that are not among `without`: a count of nothing is 0."""
    kept = [place for place, name in enumerate(read.names) if name not in without]
    numbers = [read.matrix[:, kept], *read.blocks.values()]
    return any(not np.isnan(part).all() for part in numbers) or any(
        column.null_count < len(column) for column in read.columns.values()
    )


def open_store(repository: Path, timeout_seconds: float) -> FeatureStore:
    """The feature store of `repository`, for requests that wait `timeout_seconds` at most.

    Its Redis client gives up on a silent server after half of that, so that a store which hangs is told from a request
    that takes long, and never tries again. As Feast makes it, it would wait for ever on a server that hangs, and for
    seconds on one that refuses.
    """
    config = load_repo_config(repository, repository / "feature_store.yaml")
    silence = timeout_seconds / 2
    limits = f"socket_timeout={silence},socket_connect_timeout={silence},retry=null"
    config.online_store.connection_string += f",{limits}"
    return FeatureStore(config=config)
