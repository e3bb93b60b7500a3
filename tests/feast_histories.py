"""A real FeatureStore on the offline store, with rows in Parquet, and the contract of one value read row by row."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from feast import Entity, FeatureStore, FeatureView, Field, FileSource, RepoConfig, ValueType
from feast.types import FeastType, Float32

OFFLINE = "streamrank.stores.offline.StreamrankOfflineStore"
START = datetime(2026, 3, 1, tzinfo=UTC)
user = Entity(name="user", join_keys=["user_id"], value_type=ValueType.INT64)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def feature_store(folder: Path, objects: Iterable = (), registry: dict | str | None = None, **options) -> FeatureStore:
    """A store in `folder` with `objects` applied; `options` go to the offline store."""
    store = FeatureStore(
        config=RepoConfig(
            project="histories", provider="local", registry=registry or str(folder / "registry.db"), repo_path=folder,
            offline_store={"type": OFFLINE, **options}, entity_key_serialization_version=3,
            online_store={"type": "sqlite", "path": str(folder / "online.db")},
        )
    )  # fmt: skip
    store.apply(list(objects))
    return store


def file_source(path: Path | str, **options) -> FileSource:
    return FileSource(path=str(path), timestamp_field="e", **options)


def view(
    name: str, source: FileSource, features: dict[str, FeastType], entities: Sequence[Entity] = (user,), ttl: float = 0
) -> FeatureView:
    schema = [Field(name=feature, dtype=dtype) for feature, dtype in features.items()]
    return FeatureView(name=name, entities=list(entities), ttl=timedelta(seconds=ttl), schema=schema, source=source)


def write(path: Path, columns: dict[str, Sequence | pa.Array]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path)
    return path


def one_view(folder: Path, columns: dict, features: dict[str, FeastType] | None = None, **options) -> FeatureStore:
    """A store with the view `stats` over one file of `columns`, its features all of Float32 unless said."""
    path = write(folder / "stats.parquet", columns)
    names = features or dict.fromkeys(set(columns) - {"user_id", "e", "c"}, Float32)
    source = file_source(path, created_timestamp_column="c" if "c" in columns else "")
    return feature_store(folder, [user, view("stats", source, names)], **options)


def answer(rows: Sequence[dict], key: dict, t: int, name: str, ttl: int, cutoff: bool) -> object:
    """The value at `t` by the contract: of the visible rows of `key` the greatest (e, c), missing beyond the TTL."""
    visible = []
    for row in rows:
        known = row["e"] if row["c"] is None else row["c"]
        same = all(value is not None and row[column] == value for column, value in key.items())
        if same and row["e"] <= t and (known <= t or not cutoff):
            visible.append((row["e"], known, row[name]))
    if not visible:
        return None
    e, _, value = max(visible, key=lambda row: row[:2])
    return None if ttl and t - e > ttl else value
