"""Feature stores for tests of the online store: ours on a real server, and stock SQLite beside it."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import redis
from feast import Entity, FeatureStore, FeatureView, Field, FileSource, ValueType
from feast.protos.feast.types.EntityKey_pb2 import EntityKey
from feast.protos.feast.types.Value_pb2 import Value
from feast.repo_config import RegistryConfig, RepoConfig
from feast.types import FeastType, String

from streamrank.settings import feast_connection

OURS = "streamrank.stores.online.StreamrankOnlineStore"
NOW = datetime(2026, 3, 1, tzinfo=UTC)
ITEM = Entity(name="item", join_keys=["item_id"], value_type=ValueType.STRING)


def repo_config(folder: Path, project: str, online: dict, versioning: bool = False) -> RepoConfig:
    registry = RegistryConfig(
        path=str(folder / f"{project}_{online['type'][:6]}.db"), enable_online_feature_view_versioning=versioning
    )
    return RepoConfig(
        project=project, registry=registry, provider="local", online_store=online, offline_store={"type": "duckdb"},
        entity_key_serialization_version=3, repo_path=folder,
    )  # fmt: skip


def our_repo(folder: Path, url: str, project: str = "shop", versioning: bool = False) -> FeatureStore:
    """A feature store whose online store is ours, on the server at `url`."""
    online = {"type": OURS, "connection_string": feast_connection(url)}
    return FeatureStore(config=repo_config(folder, project, online, versioning))


def sqlite_repo(folder: Path, project: str = "shop") -> FeatureStore:
    """A feature store on Feast's own SQLite online store."""
    return FeatureStore(config=repo_config(folder, project, {"type": "sqlite", "path": str(folder / "online.db")}))


def item_view(
    fields: Iterable[tuple[str, FeastType]], name: str = "v", ttl: timedelta | None = None, entities=(ITEM,)
) -> FeatureView:
    """A view keyed by item_id, a string, with these features."""
    keys = [Field(name=entity.join_key, dtype=String) for entity in entities]
    created = {"created_timestamp_column": "created"}
    return FeatureView(
        name=name, entities=list(entities), ttl=ttl,
        schema=[*keys, *(Field(name=feature, dtype=dtype) for feature, dtype in fields)],
        source=FileSource(name=name, path=f"{name}.parquet", timestamp_field="event_timestamp", **created),
    )  # fmt: skip


def online(store: FeatureStore):
    return store._get_provider().online_store


def keys(store: FeatureStore, prefix: bytes = b"streamrank:shop:") -> set[bytes]:
    """The keys on the server below a prefix."""
    host, port = online(store).connection(store.config).options.nodes[0]
    with redis.Redis(host, port) as client:
        return set(client.scan_iter(match=prefix + b"*"))


def frame(items: list, event=NOW, created=None, **columns) -> pd.DataFrame:
    times = {"event_timestamp": event, "created": event if created is None else created}
    return pd.DataFrame({"item_id": items, **columns, **times})


def answer(store: FeatureStore, features, rows: dict, **options) -> tuple[dict, dict]:
    """Values and statuses by feature."""
    found = store.get_online_features(features, entity_rows=rows, **options)
    names = found.proto.metadata.feature_names.val
    statuses = {name: list(vector.statuses) for name, vector in zip(names, found.proto.results, strict=True)}
    return found.to_dict(), statuses


def row(item: str, event, created=None, **values: Value) -> tuple:
    return EntityKey(join_keys=["item_id"], entity_values=[Value(string_val=item)]), values, event, created


def write(store: FeatureStore, rows: list, view: str = "v") -> None:
    online(store).online_write_batch(store.config, store.get_feature_view(view), rows, None)
