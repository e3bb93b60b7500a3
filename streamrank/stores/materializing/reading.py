"""The rows to materialize, from the offline store, in batches under the names that the online store knows them by."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from feast.entity import Entity
from feast.feature_view import FeatureView
from feast.infra.common.materialization_job import MaterializationTask
from feast.infra.offline_stores.offline_store import OfflineStore
from feast.repo_config import RepoConfig
from feast.utils import _get_column_names

MICROSECONDS = pa.timestamp("us", "UTC")


class SourceMismatch(ValueError):
    """A view's source lacks a column that the view declares, or has one of another kind."""


@dataclass(frozen=True)
class SourceNames:
    """What a view's columns are called in its source. own: source name -> the view's name."""

    keys: tuple[str, ...]
    features: tuple[str, ...]
    event: str
    created: str | None
    own: dict[str, str]

    @classmethod
    def of(cls, view: FeatureView, entities: Sequence[Entity]) -> "SourceNames":
        keys, features, event, created = _get_column_names(view, list(entities))
        mapping = view.batch_source.field_mapping or {}
        return cls(
            tuple(keys), tuple(features), event, created or None, {n: mapping.get(n, n) for n in keys + features}
        )


@dataclass(frozen=True)
class Keyed:
    """columns: join keys and features under the view's names. event_us, created_us: int64 [n], since 1970 UTC."""

    columns: pa.RecordBatch
    event_us: np.ndarray
    created_us: np.ndarray


def batches(
    store: OfflineStore, config: RepoConfig, names: SourceNames, task: MaterializationTask, rows: int
) -> Iterable[pa.RecordBatch]:
    """The task's rows as the source has them: the latest of each key, or all of them if it asks for more."""
    pull = store.pull_latest_from_table_or_query if task.only_latest else store.pull_all_from_table_or_query
    job = pull(
        config=config, data_source=task.feature_view.batch_source, join_key_columns=list(names.keys),
        feature_name_columns=list(names.features), timestamp_field=names.event,
        created_timestamp_column=names.created, start_date=task.start_time, end_date=task.end_time,
    )  # fmt: skip
    streaming = getattr(job, "to_record_batches", None)
    return streaming(rows) if streaming else job.to_arrow().to_batches(rows)


def rows(batch: pa.RecordBatch, names: SourceNames, view: FeatureView) -> Keyed:
    """A batch of the source under the view's names; SourceMismatch names the view and the column that does not fit."""
    missing = [name for name in (*names.own, names.event) if name not in batch.schema.names]
    if missing:
        raise SourceMismatch(
            f"feature view {view.name!r}: its source has no column {missing[0]!r}, only {sorted(batch.schema.names)}; "
            f"correct the source, or the view's schema or field_mapping"
        )
    event = _instants(batch, names.event, view)
    created = pc.coalesce(_instants(batch, names.created, view), event) if names.created else event
    columns = pa.RecordBatch.from_arrays([batch[name] for name in names.own], names=list(names.own.values()))
    return Keyed(columns, event.to_numpy(), created.to_numpy())


def _instants(batch: pa.RecordBatch, name: str, view: FeatureView) -> pa.Array:
    """A time column as int64 microseconds; a naive one is read as UTC."""
    column = batch[name]
    if not (pa.types.is_timestamp(column.type) or pa.types.is_date(column.type)):
        raise SourceMismatch(
            f"feature view {view.name!r}: expected times in column {name!r}, found {column.type}; "
            f"cast it in the source, or name another timestamp column"
        )
    return pc.cast(pc.cast(column, MICROSECONDS, safe=False), pa.int64())
