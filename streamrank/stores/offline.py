"""The offline store: Feast's methods over files, answered by DuckDB with ASOF joins, in memory that does not grow."""

from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import pyarrow as pa
from feast.data_source import DataSource
from feast.feature_logging import LoggingConfig, LoggingSource
from feast.feature_view import FeatureView
from feast.infra.offline_stores.duckdb import DuckDBOfflineStore, DuckDBOfflineStoreConfig
from feast.infra.offline_stores.file_source import FileLoggingDestination, FileSource
from feast.infra.registry.base_registry import BaseRegistry
from feast.repo_config import RepoConfig
from pydantic import Field

from streamrank.stores.history.asking import features_job
from streamrank.stores.history.connecting import Limits, connected
from streamrank.stores.history.declared import inferable
from streamrank.stores.history.job import HistoryJob
from streamrank.stores.history.logs import write_logs
from streamrank.stores.history.pulling import Pull
from streamrank.stores.history.sources import column_types
from streamrank.stores.history.times import microseconds
from streamrank.stores.history.validation import check_rows, check_source
from streamrank.stores.history.writing import append

NAME = "streamrank.stores.offline.StreamrankOfflineStore"


class StreamrankOfflineStoreConfig(DuckDBOfflineStoreConfig):
    """Feast's options of its DuckDB store, and the limits of a job.

    created_cutoff: a row counts only from its created timestamp on. memory_limit: as DuckDB writes it ("4GB"); beyond
    it a job spills to temp_directory (the system's when None). threads: None for all.
    """

    type: Literal["streamrank.stores.offline.StreamrankOfflineStore"] = NAME
    created_cutoff: bool = False
    memory_limit: str | None = None
    threads: int | None = Field(None, ge=1)
    temp_directory: str | None = None


class StreamrankOfflineStore(DuckDBOfflineStore):
    supports_filter_by_created_timestamp = True

    @staticmethod
    def get_historical_features(
        config: RepoConfig,
        feature_views: list[FeatureView],
        feature_refs: list[str],
        entity_df: pd.DataFrame | pa.Table | str | None,
        registry: BaseRegistry,
        project: str,
        full_feature_names: bool = False,
        filter_by_created_timestamp: bool = False,
        start_date: datetime | None = None,
        end_date: datetime | None = None,
    ) -> HistoryJob:
        """The features as of each entity row's time, in the rows' order.

        Without entity rows: a row for every time in the range at which one of the keys got new values.
        """
        cutoff = config.offline_store.created_cutoff or filter_by_created_timestamp
        return features_job(
            limits(config), config, feature_views, feature_refs, entity_df, registry, project, full_feature_names,
            cutoff, (start_date, end_date),
        )  # fmt: skip

    @staticmethod
    def pull_latest_from_table_or_query(
        config: RepoConfig,
        data_source: DataSource,
        join_key_columns: list[str],
        feature_name_columns: list[str],
        timestamp_field: str,
        created_timestamp_column: str | None,
        start_date: datetime | None = None,
        end_date: datetime | None = None,
    ) -> HistoryJob:
        """Of each key the latest row; under the cutoff of those that became known in the range, else of those in it."""
        pull = Pull(
            data_source, join_key_columns, feature_name_columns, timestamp_field, created_timestamp_column or None,
            microseconds(start_date), microseconds(end_date), config.offline_store.created_cutoff, config.repo_path,
        )  # fmt: skip
        return HistoryJob(pull.latest, limits(config), config.repo_path, staging=staging(config))

    @staticmethod
    def pull_all_from_table_or_query(
        config: RepoConfig,
        data_source: DataSource,
        join_key_columns: list[str],
        feature_name_columns: list[str],
        timestamp_field: str,
        created_timestamp_column: str | None = None,
        start_date: datetime | None = None,
        end_date: datetime | None = None,
    ) -> HistoryJob:
        """Every row whose event time lies in the range."""
        pull = Pull(
            data_source, join_key_columns, feature_name_columns, timestamp_field, created_timestamp_column or None,
            microseconds(start_date), microseconds(end_date), False, config.repo_path,
        )  # fmt: skip
        return HistoryJob(pull.all, limits(config), config.repo_path, staging=staging(config))

    @staticmethod
    def offline_write_batch(
        config: RepoConfig, feature_view: FeatureView, table: pa.Table, progress: Callable[[int], Any] | None
    ) -> None:
        """Adds rows to a view's source; a reader sees none of them or all."""
        source = feature_view.batch_source
        if not isinstance(source, FileSource):
            DuckDBOfflineStore.offline_write_batch(config, feature_view, table, progress)
            return
        with connected(limits(config)) as connection:
            check_rows(connection, feature_view, table, config.repo_path)
        append(source, config.repo_path, table)
        if progress:
            progress(table.num_rows)

    @staticmethod
    def write_logged_features(
        config: RepoConfig,
        data: pa.Table | Path,
        source: LoggingSource,
        logging_config: LoggingConfig,
        registry: BaseRegistry,
    ) -> None:
        """Adds logged features to their folder as new files."""
        destination = logging_config.destination
        assert isinstance(destination, FileLoggingDestination)
        write_logs(data, destination, config.repo_path)

    def validate_data_source(self, config: RepoConfig, data_source: DataSource) -> None:
        """HistoryError where files are there and lack the declared time columns, or these hold no times."""
        if not isinstance(data_source, FileSource):
            super().validate_data_source(config, data_source)
            return
        with connected(limits(config)) as connection:
            check_source(connection, data_source, config.repo_path)

    def get_table_column_names_and_types_from_data_source(
        self, config: RepoConfig, data_source: DataSource
    ) -> Iterable[tuple[str, str]]:
        """Names and Arrow types of a source's columns."""
        if not isinstance(data_source, FileSource):
            return super().get_table_column_names_and_types_from_data_source(config, data_source)
        columns = column_types(data_source, config.repo_path)
        return [(field.name, str(inferable(field.type))) for field in columns]


def limits(config: RepoConfig) -> Limits:
    store = config.offline_store
    return Limits(store.memory_limit, store.threads, store.temp_directory)


def staging(config: RepoConfig) -> tuple[str | None, str | None]:
    store = config.offline_store
    return store.staging_location, store.staging_location_endpoint_override
