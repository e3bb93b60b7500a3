"""The online store: Feast's OnlineStore on Redis or Valkey, one packed value for each row of a view.

Reads of any number of views are one round trip; writes are one atomic compare-and-set a row on (event timestamp,
created), so that an older row never overwrites a newer one, whatever the order or the number of writers.
"""

import logging
import warnings
from collections.abc import Callable, Sequence
from typing import Any, Literal

import feast.infra.passthrough_provider  # noqa: F401  else Feast would import it while the first request waits
import numpy as np
import pyarrow as pa
from feast import FeatureView, RepoConfig
from feast.infra.infra_object import InfraObject
from feast.infra.online_stores.helpers import compute_versioned_name
from feast.infra.online_stores.online_store import OnlineStore
from feast.infra.registry.base_registry import BaseRegistry
from feast.infra.supported_async_methods import SupportedAsyncMethods
from feast.online_response import OnlineResponse
from feast.protos.feast.core.Registry_pb2 import Registry as RegistryProto
from feast.repo_config import FeastConfigBaseModel
from feast.stream_feature_view import StreamFeatureView
from feast.utils import _get_table_entity_values
from pydantic import Field

from streamrank.paths import with_columns
from streamrank.settings import settings
from streamrank.stores.connection import Connection, ConnectionOptions, connect
from streamrank.stores.packed_view import PackedView
from streamrank.stores.packing import keys, reading, writing
from streamrank.stores.packing.known_layouts import KnownLayouts, fields_of
from streamrank.stores.packing.reading import Asked
from streamrank.stores.packing.response import ColumnResponse
from streamrank.stores.packing.writing import Batch, Written
from streamrank.stores.precomputed import read_as_is
from streamrank.stores.refusing import refuse_early, refuse_windowed
from streamrank.stores.windowed import Generations, Part, Steps, Windows, fetched, run, run_async
from streamrank.stream.views import check, is_streamed

# Feast lets every deprecation notice through; this one is between two of its dependencies, at each question asked.
warnings.filterwarnings("ignore", message=".*fetch_arrow_table", category=DeprecationWarning)

logger = logging.getLogger(__name__)
refuse_early()


class StreamrankOnlineStoreConfig(FeastConfigBaseModel):
    """Named as Feast's options for Redis; the connection defaults to STREAMRANK_REDIS_URL or the embedded server."""

    type: Literal["streamrank.stores.online.StreamrankOnlineStore"] = "streamrank.stores.online.StreamrankOnlineStore"
    connection_string: str = Field(
        default_factory=lambda: settings().feast_connection, description="host:port,db=0,ssl=true,password=..."
    )
    redis_type: Literal["redis", "redis_cluster", "redis_sentinel"] = "redis"
    sentinel_master: str = Field("mymaster", description="the name that the Sentinels know")
    batch_size: int = Field(10_000, ge=1, description="rows sent to the server before its answers are awaited")


class StreamrankOnlineStore(OnlineStore):
    """Beside Feast's methods: whole columns in (`write_columns`), and what a reader of packed values needs."""

    def __init__(self) -> None:
        self._connections: dict[tuple[str, str, str], Connection] = {}
        self._layouts: dict[tuple[int, bytes], KnownLayouts] = {}
        self._generations: dict[int, Generations] = {}

    @property
    def async_supported(self) -> SupportedAsyncMethods:
        return SupportedAsyncMethods(read=True, write=True)

    def connection(self, config: RepoConfig) -> Connection:
        """The connection to the configured server; lazy, one for each store."""
        online = config.online_store
        place = (online.connection_string, online.redis_type, online.sentinel_master)
        if place not in self._connections:
            self._connections.setdefault(place, connect(ConnectionOptions.parse(*place)))
        return self._connections[place]

    def packed_view(self, config: RepoConfig, table: FeatureView) -> PackedView:
        """How the view's rows lie in the store; cheap when asked again."""
        return PackedView.of(config.project, table, config.registry.enable_online_feature_view_versioning)

    def layouts(self, config: RepoConfig, packed: PackedView) -> KnownLayouts:
        """The layouts of the view's stored rows by id; an unknown one is asked of the server."""
        connection = self.connection(config)
        place = (id(connection), packed.layouts_key)
        if place not in self._layouts:
            self._layouts.setdefault(place, KnownLayouts(connection, packed.layouts_key))
        return self._layouts[place].with_own(packed.layout)

    def windows(self, config: RepoConfig, table: FeatureView) -> Windows | None:
        """Where the values of a view over events lie; None for any other view."""
        return Windows.of(config.project, table)

    def generations(self, config: RepoConfig) -> Generations:
        """Which generations of views over events are read."""
        return self._generations.setdefault(id(self.connection(config)), Generations())

    def write_columns(
        self, config: RepoConfig, table: FeatureView, columns: pa.Table | pa.RecordBatch, event_us: np.ndarray,
        created_us: np.ndarray,
    ) -> Written:  # fmt: skip
        """Writes whole columns, named as the view's join keys and features; event_us, created_us: int64 [n].

        FieldMismatch where a column is missing or does not fit its Field, and nothing is written then; StoreFull and
        StoreUnreachable may leave a part of the rows written, each of them whole. WindowedWrite for a windowed view.
        """
        refuse_windowed(table)
        packed = self.packed_view(config, table)
        held = {name: columns.column(name) for name in columns.schema.names}
        row_keys = packed.keys(held, columns.num_rows)
        return self._put(config, packed, writing.batch(packed, row_keys, held, event_us, created_us))

    def online_write_batch(
        self, config: RepoConfig, table: FeatureView, data: Sequence[writing.FeastRow],
        progress: Callable[[int], Any] | None,
    ) -> None:  # fmt: skip
        refuse_windowed(table)
        if data:
            packed = self.packed_view(config, table)
            _report(packed, self._put(config, packed, writing.batch_of_rows(packed, data)))
        if progress:
            progress(len(data))

    async def online_write_batch_async(
        self, config: RepoConfig, table: FeatureView, data: Sequence[writing.FeastRow],
        progress: Callable[[int], Any] | None,
    ) -> None:  # fmt: skip
        refuse_windowed(table)
        if data:
            packed, connection = self.packed_view(config, table), self.connection(config)
            batch = writing.batch_of_rows(packed, data)
            await connection.set_fields_async(packed.layouts_key, fields_of(packed.layout))
            pieces = batch.slices(config.online_store.batch_size)
            _report(packed, batch.written([await connection.put_async(*piece) for piece in pieces]))
        if progress:
            progress(len(data))

    def online_read(
        self, config: RepoConfig, table: FeatureView, entity_keys: list, requested_features: list[str] | None = None
    ) -> list:
        if not entity_keys:
            return []
        part = self._asked_rows(config, table, entity_keys, requested_features)
        (values,) = run(self._fetching(config, [part]), self.connection(config))
        return reading.feast_rows(part, values, self.layouts(config, part.view))

    async def online_read_async(
        self, config: RepoConfig, table: FeatureView, entity_keys: list, requested_features: list[str] | None = None
    ) -> list:
        if not entity_keys:
            return []
        part = self._asked_rows(config, table, entity_keys, requested_features)
        (values,) = await run_async(self._fetching(config, [part]), self.connection(config))
        layouts = self.layouts(config, part.view)
        await _prepare(layouts, part, values)
        return reading.feast_rows(part, values, layouts)

    def get_online_features(
        self, config: RepoConfig, features: Any, entity_rows: Any, registry: BaseRegistry, project: str, *args: Any,
        **options: Any,
    ) -> Any:  # fmt: skip
        rows = with_columns(entity_rows, registry.list_entities(project, allow_cache=True))
        asked = config, read_as_is(features), rows, registry, project
        return _by_columns(super().get_online_features(*asked, *args, **options))

    async def get_online_features_async(
        self, config: RepoConfig, features: Any, entity_rows: Any, registry: BaseRegistry, project: str, *args: Any,
        **options: Any,
    ) -> Any:  # fmt: skip
        rows = with_columns(entity_rows, registry.list_entities(project, allow_cache=True))
        asked = config, read_as_is(features), rows, registry, project
        return _by_columns(await super().get_online_features_async(*asked, *args, **options))

    def plan(self, config: RepoConfig, desired_registry_proto: RegistryProto) -> list[InfraObject]:
        """No infrastructure; refuses what `update` would."""
        check(StreamFeatureView.from_proto(view) for view in desired_registry_proto.stream_feature_views)
        check(FeatureView.from_proto(view) for view in desired_registry_proto.feature_views)
        return []

    def update(
        self, config: RepoConfig, tables_to_delete: Sequence[FeatureView], tables_to_keep: Sequence[FeatureView],
        entities_to_delete: Sequence, entities_to_keep: Sequence, partial: bool,
    ) -> None:  # fmt: skip
        """Removes the rows of deleted views, in all their versions, and then their layouts; of views over
        events, all their generations and what points to them. Refuses those that cannot be run exactly: Feast commits
        nothing then."""
        check(tables_to_keep)
        connection = self.connection(config) if tables_to_delete else None
        for name in {table.name for table in tables_to_delete if is_streamed(table)}:
            from streamrank.stream import generations  # which only a store that streams needs

            generations.forget(connection, config.project, name)
            connection.delete_prefix(keys.windows_prefix(config.project, name))
        for name in {name for table in tables_to_delete for name in _versions(table)}:
            layouts = keys.layouts_key(config.project, name)
            if connection.get_fields(layouts):
                connection.delete_prefix(keys.view_prefix(config.project, name))
                connection.delete_prefix(layouts)

    def teardown(self, config: RepoConfig, tables: Sequence[FeatureView], entities: Sequence) -> None:
        """Removes every key of the project."""
        self.connection(config).delete_prefix(keys.project_prefix(config.project))

    async def close(self) -> None:
        for connection in self._connections.values():
            await connection.close_async()
            connection.close()

    def _is_versioned_read_supported(self) -> bool:
        return True

    def _put(self, config: RepoConfig, packed: PackedView, batch: Batch) -> Written:
        connection = self.connection(config)
        connection.set_fields(packed.layouts_key, fields_of(packed.layout))
        return batch.written([connection.put(*piece) for piece in batch.slices(config.online_store.batch_size)])

    def _asked_rows(
        self, config: RepoConfig, table: FeatureView, entity_keys: list, requested: list[str] | None
    ) -> Asked:
        view, windows = self.packed_view(config, table), self.windows(config, table)
        window = windows.window if windows else None
        names = requested or ([each.name for each in window.features] if window else [*view.kinds])
        return reading.asked(view, table, names, writing.keys_of(view, entity_keys), windows)

    def _asked_views(self, config: RepoConfig, grouped_refs: list, values: dict, entities: dict) -> list[Asked]:
        parts, arrays = [], {}
        for table, names in grouped_refs:
            view = self.packed_view(config, table)
            columns = _get_table_entity_values(table, entities, values)
            row_keys = reading.keys_of_columns(view, columns, arrays)
            parts.append(reading.asked(view, table, names, row_keys, self.windows(config, table)))
        return parts

    def _fetching(self, config: RepoConfig, parts: list[Asked]) -> Steps:
        """What `fetched` yields, of the parts' keys."""
        whole = [
            Part(part.view.prefix, keys.without_prefix(part.view.prefix, part.keys), part.windows) for part in parts
        ]
        return fetched(whole, self.generations(config))

    def _read_features_per_fv(
        self, config, grouped_refs, join_key_values, entity_name_to_join_key_map, online_features_response,
        full_feature_names, include_feature_view_version_metadata,
    ) -> None:  # fmt: skip
        parts = self._asked_views(config, grouped_refs, join_key_values, entity_name_to_join_key_map)
        values = run(self._fetching(config, parts), self.connection(config))
        for part, share in zip(parts, values, strict=True):
            layouts = self.layouts(config, part.view)
            reading.add_part(online_features_response, part, share, layouts, full_feature_names)
            if include_feature_view_version_metadata:
                reading.add_version(online_features_response, part.table)

    async def _read_features_per_fv_async(
        self, config, grouped_refs, join_key_values, entity_name_to_join_key_map, online_features_response,
        full_feature_names, include_feature_view_version_metadata,
    ) -> None:  # fmt: skip
        parts = self._asked_views(config, grouped_refs, join_key_values, entity_name_to_join_key_map)
        values = await run_async(self._fetching(config, parts), self.connection(config))
        for part, share in zip(parts, values, strict=True):
            layouts = self.layouts(config, part.view)
            await _prepare(layouts, part, share)
            reading.add_part(online_features_response, part, share, layouts, full_feature_names)
            if include_feature_view_version_metadata:
                reading.add_version(online_features_response, part.table)


def _by_columns(response: OnlineResponse) -> ColumnResponse:
    return ColumnResponse(response.proto, response._feature_types)


async def _prepare(layouts: KnownLayouts, part: Asked, values: pa.LargeBinaryArray) -> None:
    """Asks without blocking for layouts that are not known yet; windows have none."""
    if not (part.windows and part.windows.window):
        await layouts.prepare(values)


def _versions(table: FeatureView) -> set[str]:
    newest = getattr(table, "current_version_number", None) or 0
    numbered = {f"{table.name}_v{number}" for number in range(1, newest + 1)}
    return {table.name, compute_versioned_name(table, True), *numbered}


def _report(packed: PackedView, written: Written) -> None:
    if written.null_keys:
        logger.warning("feature view %r: %d rows with a null key were not written", packed.name, written.null_keys)
