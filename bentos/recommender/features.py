"""Online features through the reader: the columns of a request's candidates that Feast holds."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import redis
from feast import FeatureService, FeatureStore
from feast.repo_config import load_repo_config
from feast.types import Float32

from streamrank.clock import SECOND
from streamrank.stores.reader import PAST_TOLERANCE_US, OnlineRead, OnlineReader

TOPICS = pa.list_(pa.string())
STORE_ERRORS = (redis.RedisError, ConnectionError)
"""What a read raises when the online store is down or hangs."""


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
        self.reader = OnlineReader(store, _taken(registered, names), past_us=patience)
        places = [self.reader.names.index(name) for name in names]
        self._places = None if places == [*range(len(self.reader.names))] else np.array(places, np.int64)

    def read(
        self, user_id: str, item_ids: np.ndarray, as_of_us: int, surface: str | None, topics: Sequence[str] = (),
        meanwhile: Callable[[], object] | None = None,
    ) -> OnlineRead:  # fmt: skip
        """The features of a user's items. item_ids: str [items]. topics: that the request names. meanwhile: called
        while the store is waited for."""
        stated = pa.repeat(pa.scalar(list(topics) or None, TOPICS), len(item_ids))
        asked = {"request_time": as_of_us, "surface": surface, "stated_topics": stated}
        return self.reader.read({"user_id": user_id, "item_id": item_ids}, asked, as_of_us, meanwhile)

    def matrix(self, read: OnlineRead) -> np.ndarray:
        """float32 [items, names], NaN where a feature is missing."""
        return read.matrix if self._places is None else read.matrix[:, self._places]


def _taken(service: FeatureService, names: Sequence[str]) -> FeatureService | list[str]:
    """References to the features that the model takes, so that no other is read; the service as it is where keys have
    other names in it, which references cannot tell, or the model takes none."""
    views = service.feature_view_projections
    if not names or any(view.join_key_map for view in views):
        return service
    view_of = {field.name: view.name_to_use() for view in views for field in view.features}
    return [f"{view_of[name]}:{name}" for name in names]


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
