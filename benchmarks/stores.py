"""The two feature stores that are compared: ours, and stock Feast as it is configured for one machine."""

from pathlib import Path
from typing import Literal

from feast import FeatureStore, RepoConfig

Side = Literal["ours", "stock"]
STOCK = {"offline_store": {"type": "duckdb"}, "online_store": {"type": "redis"}, "batch_engine": "local"}
OURS = {
    "offline_store": {"type": "streamrank.stores.offline.StreamrankOfflineStore"},
    "online_store": {"type": "streamrank.stores.online.StreamrankOnlineStore"},
    "batch_engine": {"type": "streamrank.stores.engine.StreamrankComputeEngine"},
}  # fmt: skip


def feature_store(side: Side, folder: Path, port: int | None = None, **offline: object) -> FeatureStore:
    """A store whose project and registry are the side's own.

    port: of the Redis for the online part; None: none is needed. offline: further options of the offline store.
    """
    parts = OURS if side == "ours" else STOCK
    folder.mkdir(parents=True, exist_ok=True)
    online = {"type": "sqlite", "path": str(folder / f"{side}.db")}
    if port is not None:
        online = {**parts["online_store"], "connection_string": f"127.0.0.1:{port}"}
    config = RepoConfig(
        project=side, provider="local", registry=str(folder / f"{side}-registry.db"), repo_path=folder,
        online_store=online, offline_store={**parts["offline_store"], **offline}, batch_engine=parts["batch_engine"],
        entity_key_serialization_version=3,
    )  # fmt: skip
    return FeatureStore(config=config)
