"""Online features through Feast's own API: who the user is, and the matrix that the ranker scores."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import redis
from feast import FeatureService, FeatureStore
from feast.protos.feast.types.Value_pb2 import Value as ValueProto
from feast.repo_config import load_repo_config
from feast.types import Float32

STORE_ERRORS = (redis.RedisError, ConnectionError)
"""What a read raises when the online store is down or hangs."""

USER_KEY = "user_id"
TOP_TOPICS = "user_top_topics"
NO_SURFACE = ""  # Feast takes no column of nulls as request data; the surface of no name counts as missing


@dataclass(frozen=True)
class UserFeatures:
    """known: whether the store holds anything of the user. top_topics: most viewed first."""

    known: bool
    top_topics: list[str]


class OnlineFeatures:
    """Reads for one user at a time; safe to share between threads."""

    def __init__(self, store: FeatureStore, service: str, names: Sequence[str]) -> None:
        """service: the feature service that the model was trained on. names: the matrix's columns in order.

        Raises ValueError when the service lacks one of them as Float32: feature_repo has changed since the training.
        """
        self._store, self._names = store, list(names)
        self._service: FeatureService = store.get_feature_service(service)
        fields = [field for view in self._service.feature_view_projections for field in view.features]
        declared = {field.name for field in fields if field.dtype == Float32}
        if missing := sorted(set(names) - declared):
            raise ValueError(
                f"the promoted model takes Float32 features that feature service {service!r} lacks: {missing}; declare "
                f"them and run `streamrank apply`, or train and promote a model on what there is"
            )
        views = [view for view in store.list_feature_views() if view.join_keys == [USER_KEY]]
        self._user_references = [f"{view.name}:{field.name}" for view in views for field in view.features]

    def user(self, user_id: str) -> UserFeatures:
        """One read of the views that are keyed by the user alone."""
        if not self._user_references:
            return UserFeatures(known=True, top_topics=[])
        found = self._store.get_online_features(self._user_references, {USER_KEY: [user_id]}).to_dict()
        del found[USER_KEY]
        topics = found.get(TOP_TOPICS, [None])[0] or []
        return UserFeatures(any(value is not None for (value,) in found.values()), list(topics))

    def matrix(
        self, user_id: str, item_ids: np.ndarray, creators: np.ndarray, topics: np.ndarray, as_of_us: int,
        surface: str | None,
    ) -> np.ndarray:  # fmt: skip
        """float32 [items, names], NaN where a feature is missing. item_ids, creators, topics: str [items]."""
        rows = len(item_ids)
        if not rows:
            return np.empty((0, len(self._names)), dtype=np.float32)
        columns: dict[str, list[Any]] = {
            USER_KEY: [user_id] * rows, "item_id": item_ids.tolist(), "creator_id": creators.tolist(),
            "topic": topics.tolist(), "request_time": [as_of_us] * rows, "surface": [surface or NO_SURFACE] * rows,
        }  # fmt: skip
        found = self._store.get_online_features(features=self._service, entity_rows=columns).proto
        vectors = dict(zip(found.metadata.feature_names.val, found.results, strict=True))
        return np.stack([_float32(vectors[name].values) for name in self._names], axis=1)


def _float32(values: Sequence[ValueProto]) -> np.ndarray:
    """A feature's values. Feast's own conversion finds out the type of each value anew, an eighth of a read's time."""
    return np.array([value.float_val if value.WhichOneof("val") else np.nan for value in values], dtype=np.float32)


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
