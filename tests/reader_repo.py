"""A Feast repository on the real server for tests of the reader, whose values are held against Feast's own."""

import json
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
from feast import Entity, FeatureStore, FeatureView, Field, FileSource, RepoConfig, ValueType
from feast.types import from_value_type

from streamrank.clock import SECOND
from streamrank.settings import feast_connection
from streamrank.stores.online import StreamrankOnlineStoreConfig

NOW = 1_800_000_000 * SECOND
JSON = (pa.large_string(), pa.list_(pa.large_string()))


def store_at(folder: Path, server: str, project: str, **registry) -> FeatureStore:
    """A store with nothing applied. server: URL of a Redis. registry: Feast's registry options."""
    online = StreamrankOnlineStoreConfig(connection_string=feast_connection(server))
    return FeatureStore(
        config=RepoConfig(
            project=project, provider="local", registry={"path": str(folder / "registry.db"), **registry},
            offline_store={"type": "duckdb"}, online_store=online.model_dump(), entity_key_serialization_version=3,
        )
    )  # fmt: skip


def entity(name: str, key: str, kind: ValueType = ValueType.STRING, **options) -> Entity:
    return Entity(name=name, join_keys=[key], value_type=kind, **options)


def view(
    name: str, entities: Sequence[Entity], fields: Mapping, ttl: timedelta | None = None, **options
) -> FeatureView:
    """A view of `fields`, name -> type or Field, whose source is never read."""
    source = FileSource(name=name, path=f"{name}.parquet", timestamp_field="event_timestamp")
    schema = [kind if isinstance(kind, Field) else Field(name=each, dtype=kind) for each, kind in fields.items()]
    keys = [Field(name=each.join_key, dtype=from_value_type(each.value_type)) for each in entities]
    return FeatureView(name=name, entities=list(entities), ttl=ttl, schema=[*keys, *schema], source=source, **options)


def write(store: FeatureStore, name: str, columns: Mapping, event_us: int | Sequence[int]) -> None:
    """Rows of a registered view, by column; all at one instant, or each at its own."""
    table = columns if isinstance(columns, pa.Table) else pa.table(dict(columns))
    times = np.broadcast_to(np.asarray(event_us, np.int64), table.num_rows)
    online = store._get_provider().online_store
    online.write_columns(store.config, store.get_feature_view(name), table, times, times)


def plain(value):
    """A value as both sides can have it: Feast gives sets, UUIDs and dicts where Arrow has lists and text."""
    if isinstance(value, dict):
        return sorted([key, plain(each)] for key, each in value.items())
    if isinstance(value, list) and value and all(isinstance(each, tuple) for each in value):
        return plain(dict(value))
    if isinstance(value, set | frozenset):
        return sorted((plain(each) for each in value), key=str)
    if isinstance(value, list | tuple | np.ndarray):
        return [plain(each) for each in value]
    if isinstance(value, uuid.UUID | Decimal):
        return str(value)
    if isinstance(value, datetime):
        return value.timestamp()
    return value


def parsed(value):
    """JSON text, or a list of it, as Feast gives it: the value."""
    if isinstance(value, list):
        return [parsed(each) for each in value]
    return None if value is None else json.loads(value)


def unordered(value):
    """The elements of a set, each once, however they are given."""
    return None if value is None else sorted({repr(plain(each)) for each in value})


def assert_same(read, feast: dict, sets: bool = False) -> None:
    """Every feature that Feast gives equals the reader's, the numbers by their float32 bits."""
    names = set(feast) & {*read.names, *read.blocks, *read.columns}
    assert len(names) == len(read.names) + len(read.blocks) + len(read.columns)
    for name in names:
        values = feast[name]
        if name in read.names:
            expected = np.array([np.nan if value is None else value for value in values], np.float64)
            with np.errstate(over="ignore"):
                expected = expected.astype(np.float32)
            found = np.ascontiguousarray(read.matrix[:, read.names.index(name)])
            assert np.array_equal(found, expected, equal_nan=True), name
        elif name in read.blocks:
            for row, value in zip(read.blocks[name], values, strict=True):
                given = np.full(len(row), np.nan) if value is None else np.array(value, np.float64)
                with np.errstate(over="ignore"):
                    assert np.array_equal(row, given.astype(np.float32), equal_nan=True), name
        else:
            read_as = parsed if read.columns[name].type in JSON else plain
            same = unordered if sets else plain
            assert [same(read_as(value)) for value in read.columns[name].to_pylist()] == [*map(same, values)], name
