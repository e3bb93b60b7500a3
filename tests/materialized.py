"""Small feature stores of ours in all three parts, for tests of materialization."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.parquet as pq
from feast import Entity, FeatureStore, FeatureView, Field, FileSource, RepoConfig, ValueType
from feast.types import Float32, Int64

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
OURS = {
    "offline_store": {"type": "streamrank.stores.offline.StreamrankOfflineStore"},
    "online_store": {"type": "streamrank.stores.online.StreamrankOnlineStore"},
    "batch_engine": {"type": "streamrank.stores.engine.StreamrankComputeEngine"},
}
STATS = [Field(name="views", dtype=Int64), Field(name="rate", dtype=Float32)]


def at(hours: float) -> datetime:
    """A moment so many hours after noon."""
    return NOON + timedelta(hours=hours)


@dataclass
class World:
    """A feature store whose views read Parquet files of its folder."""

    folder: Path
    store: FeatureStore

    @property
    def engine(self):
        return self.store._get_provider().batch_engine

    def write(self, rows: list[dict], name: str = "stats", schema: pa.Schema | None = None) -> Path:
        path = self.folder / f"{name}.parquet"
        pq.write_table(pa.Table.from_pylist(rows, schema), path)
        return path

    def apply(
        self,
        name: str = "stats",
        keys: Sequence[str] = ("item_id",),
        schema: Sequence[Field] = tuple(STATS),
        kinds: ValueType = ValueType.INT64,
        created: str | None = "created",
        **more,
    ) -> FeatureView:
        """Registers a view over the file of its name; more: of its source or, among them, of the view."""
        of_view = {option: more.pop(option) for option in ("tags", "offline") if option in more}
        source = FileSource(
            path=str(self.folder / f"{name}.parquet"), timestamp_field=more.pop("timestamp_field", "event_timestamp"),
            created_timestamp_column=created, **more,
        )  # fmt: skip
        entities = [Entity(name=key.removesuffix("_id"), join_keys=[key], value_type=kinds) for key in keys]
        view = FeatureView(
            name=name, entities=entities, ttl=timedelta(0), schema=list(schema), source=source, **of_view
        )
        self.store.apply([*entities, view])
        return view

    def read(self, keys: dict[str, list], *features: str) -> dict[str, list]:
        """What `get_online_features` answers, without the keys."""
        asked = list(features) or ["stats:views", "stats:rate"]
        answer = self.store.get_online_features(asked, keys).to_dict()
        return {name: values for name, values in answer.items() if name not in keys}


def world_at(folder: Path, address: str, project: str = "materialized", **parts: dict) -> World:
    """address: of the Redis, `redis://host:port/db` or `host:port`. parts: more options of a part, or another part."""
    folder.mkdir(parents=True, exist_ok=True)
    host = urlsplit(address).netloc or address
    chosen = {part: {**options, **parts.get(part, {})} for part, options in OURS.items()}
    if chosen["online_store"]["type"] == OURS["online_store"]["type"]:
        chosen["online_store"]["connection_string"] = host
    config = RepoConfig(
        project=project, provider="local", repo_path=folder,
        registry={"path": str(folder / "registry.db"), "serve_features_while_materializing": True},
        entity_key_serialization_version=3, **chosen,
    )  # fmt: skip
    return World(folder, FeatureStore(config=config))


def row(item: int | None, event: datetime, views: int | None, created: datetime | None = None, **more) -> dict:
    """A row of the `stats` view, known when it happens unless `created` says otherwise."""
    rate = None if views is None else views / 2
    return {
        "item_id": item, "event_timestamp": event, "created": created or event, "views": views, "rate": rate, **more
    }  # fmt: skip
