"""Feature stores for tests of the online store: ours on a real server, and stock SQLite beside it."""

from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

from feast import Entity, FeatureStore, FeatureView, Field, FileSource, ValueType
from feast.repo_config import RegistryConfig, RepoConfig
from feast.types import FeastType, String

from streamrank.settings import feast_connection

OURS = "streamrank.stores.online.StreamrankOnlineStore"
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
