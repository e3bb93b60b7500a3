"""Materialization as a stream: DuckDB picks the latest row of every key, whole columns are packed and written.

    batch_engine:
      type: streamrank.stores.engine.StreamrankComputeEngine

Reading and writing overlap, and memory does not grow with the number of keys. What is more than a copy (views with
transformations, aggregations, validation, filters, source views or offline write-back) is left to Feast's local engine.
Views that follow events are left alone: windows, and the latest acts of a key.
"""

import copy
import logging
from dataclasses import replace
from datetime import UTC, datetime
from typing import Literal

import duckdb
from feast.batch_feature_view import BatchFeatureView
from feast.feature_view import FeatureView
from feast.infra.common.materialization_job import MaterializationJobStatus, MaterializationTask
from feast.infra.compute_engines.local.compute import LocalComputeEngine
from feast.infra.compute_engines.local.job import LocalMaterializationJob
from feast.infra.registry.base_registry import BaseRegistry
from feast.repo_config import FeastConfigBaseModel, RepoConfig
from feast.stream_feature_view import StreamFeatureView
from pydantic import Field

from streamrank import clock
from streamrank.stores.materializing import ahead, reading, writing
from streamrank.stream.views import check, is_streamed

logger = logging.getLogger(__name__)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
View = FeatureView | BatchFeatureView | StreamFeatureView


class StreamrankComputeEngineConfig(FeastConfigBaseModel):
    type: Literal["streamrank.stores.engine.StreamrankComputeEngine"] = (
        "streamrank.stores.engine.StreamrankComputeEngine"
    )
    memory_limit: str | None = Field("1GB", description="of DuckDB while it reads; None: as the offline store has it")
    threads: int | None = Field(2, ge=1, description="of DuckDB; each holds a row group of the source at a time")
    batch_rows: int = Field(50_000, ge=1, description="rows that are packed and written at a time")


class StreamrankComputeEngine(LocalComputeEngine):
    def __init__(self, *, repo_config: RepoConfig, offline_store, online_store, **options) -> None:
        super().__init__(repo_config=repo_config, offline_store=offline_store, online_store=online_store)
        self.options = StreamrankComputeEngineConfig(**options)

    def update(self, project: str, views_to_delete, views_to_keep, entities_to_delete, entities_to_keep) -> None:
        """Refuses views over events that cannot be run exactly, also those that are not online."""
        check(views_to_keep)

    def _materialize_one(self, registry: BaseRegistry, task: MaterializationTask, **kwargs) -> LocalMaterializationJob:
        """Copies the view's latest rows of the task's span to the online store.

        A failure is returned in the job, as Feast expects it. Rows with a null key are left out and counted in a
        warning; rows older than what is stored, or past twice their TTL, are left out too.
        """
        task = _span(task)
        if is_streamed(task.feature_view):
            return _left_alone(task)
        if not _is_copy(task.feature_view):
            return super()._materialize_one(registry, task, **kwargs)
        try:
            self._copy(registry, task)
        except Exception as error:
            if isinstance(error.__cause__, duckdb.OutOfMemoryException):
                error.add_note("materialization has limits of its own: batch_engine.memory_limit and .threads")
            return _job(task, MaterializationJobStatus.ERROR, error)
        return _job(task, MaterializationJobStatus.SUCCEEDED)

    def _copy(self, registry: BaseRegistry, task: MaterializationTask) -> None:
        view = task.feature_view
        names = reading.SourceNames.of(view, [registry.get_entity(name, task.project) for name in view.entities])
        batches = reading.batches(self.offline_store, self._limited(), names, task, self.options.batch_rows)
        rows = (reading.rows(batch, names, view) for batch in batches)
        writer = writing.Writer(self.online_store, self.repo_config, view)
        with writing.progress(task) as bar, ahead.reading_ahead(rows) as read:
            left_out = writer.write_all(read, bar.update)
        writer.report(left_out)

    def _limited(self) -> RepoConfig:
        """The repo's configuration with the offline store held to the engine's memory and threads, where it can be."""
        options = self.repo_config.offline_store
        limits = {"memory_limit": self.options.memory_limit, "threads": self.options.threads}
        limited = copy.copy(self.repo_config)
        limited._offline_store = options.model_copy(
            update={name: limit for name, limit in limits.items() if limit is not None and hasattr(options, name)}
        )
        return limited


def _left_alone(task: MaterializationTask) -> LocalMaterializationJob:
    """Feast asks for each view alone, whether it was named or all were meant: neither may spoil live windows."""
    name = task.feature_view.name
    logger.warning(
        "feature view %r follows its events and is left as it is; `streamrank rebuild %s` computes it anew", name, name
    )
    return _job(task, MaterializationJobStatus.SUCCEEDED)


def _span(task: MaterializationTask) -> MaterializationTask:
    """The task over all time up to now where it asks for that (`disable_event_timestamp`)."""
    return replace(task, start_time=EPOCH, end_time=clock.now()) if task.disable_event_timestamp else task


def _is_copy(view: View) -> bool:
    """Whether the view's rows are written online as they lie in its source."""
    computed = ("feature_transformation", "aggregations", "source_views", "filter", "enable_validation")
    return (
        view.batch_source is not None and not view.offline and not any(getattr(view, name, None) for name in computed)
    )


def _job(task: MaterializationTask, status: MaterializationJobStatus, error=None) -> LocalMaterializationJob:
    return LocalMaterializationJob(f"{task.feature_view.name}-{task.start_time}-{task.end_time}", status, error)
