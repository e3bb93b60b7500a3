"""Batches into the online store: whole columns where it is ours, Feast's rows where it is another's."""

import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa
from feast.feature_view import DUMMY_ENTITY_ID, DUMMY_ENTITY_VAL, FeatureView
from feast.infra.common.materialization_job import MaterializationTask
from feast.infra.online_stores.online_store import OnlineStore
from feast.repo_config import RepoConfig
from feast.utils import _convert_arrow_to_proto

from streamrank.stores.materializing.reading import Keyed
from streamrank.stores.online import StreamrankOnlineStore

logger = logging.getLogger(__name__)


class Writer:
    """Writes one view's rows and counts what was not written, by reason."""

    def __init__(self, store: OnlineStore, config: RepoConfig, view: FeatureView) -> None:
        self.store, self.config, self.view = store, config, view
        self.left_out: Counter[str] = Counter()

    def write(self, rows: Keyed) -> None:
        """Writes the rows; a row older than the one stored, or with a null key, is left out and counted."""
        if not isinstance(self.store, StreamrankOnlineStore):
            self.store.online_write_batch(self.config, self.view, _protos(rows, self.view), lambda _: None)
            return
        written = self.store.write_columns(self.config, self.view, rows.columns, rows.event_us, rows.created_us)
        self.left_out += Counter(older=written.older, expired=written.expired, null_keys=written.null_keys)

    def report(self) -> None:
        """Warns of rows that no one can ask for, and logs those that were older or past twice their TTL."""
        if nulls := self.left_out["null_keys"]:
            logger.warning("feature view %r: %d rows with a null key were not written", self.view.name, nulls)
        older, expired = self.left_out["older"], self.left_out["expired"]
        if older or expired:
            told = "feature view %r: %d rows older than those stored and %d past twice their TTL were not written"
            logger.info(told, self.view.name, older, expired)


@contextmanager
def progress(task: MaterializationTask) -> Iterator:
    """The task's progress bar, one tick a row; how many rows there will be is not known ahead, hence a total of 0."""
    with task.tqdm_builder(0) if task.tqdm_builder else _Silent() as bar:
        yield bar


class _Silent:
    def __enter__(self) -> "_Silent":
        return self

    def __exit__(self, *_) -> None:
        pass

    def update(self, _: int) -> None:
        pass


def _protos(rows: Keyed, view: FeatureView) -> list:
    """The rows as Feast hands them to other stores: key and value protos, event and created time."""
    source = view.batch_source
    table = pa.Table.from_batches([rows.columns])
    times = {source.timestamp_field: rows.event_us, source.created_timestamp_column: rows.created_us}
    for name, instants in times.items():
        if name:
            table = table.append_column(name, pa.array(instants).cast(pa.timestamp("us", "UTC")))
    keys = {entity.name: entity.dtype.to_value_type() for entity in view.entity_columns}
    if DUMMY_ENTITY_ID in keys:
        table = table.append_column(DUMMY_ENTITY_ID, pa.array([DUMMY_ENTITY_VAL] * table.num_rows))
    return _convert_arrow_to_proto(table, view, keys)
