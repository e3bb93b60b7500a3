"""Batches into the online store: whole columns where it is ours, Feast's rows where it is another's."""

import logging
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
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
AT_ONCE = 2


LeftOut = Counter[str]


class Writer:
    """Writes one view's rows. at_once: how many batches it may be writing at the same time."""

    def __init__(self, store: OnlineStore, config: RepoConfig, view: FeatureView) -> None:
        self.store, self.config, self.view = store, config, view
        self.at_once = AT_ONCE if isinstance(store, StreamrankOnlineStore) else 1

    def write_all(self, batches: Iterable[Keyed], written: Callable[[int], object]) -> LeftOut:
        """Writes all batches, calling `written` with the rows of each; what was left out, by reason.

        While the server works on one batch the next is packed. Batches may be written in any order, since an older row
        never replaces a newer one.
        """
        left_out, pending = Counter(), deque()
        with ThreadPoolExecutor(self.at_once, "writing") as pool:
            for rows in batches:
                pending.append((rows.columns.num_rows, pool.submit(self._write, rows)))
                if len(pending) > self.at_once:
                    left_out += _done(pending.popleft(), written)
            while pending:
                left_out += _done(pending.popleft(), written)
        return left_out

    def report(self, left_out: LeftOut) -> None:
        """Warns of rows that no one can ask for, and logs those that were older or past twice their TTL."""
        if nulls := left_out["null_keys"]:
            logger.warning("feature view %r: %d rows with a null key were not written", self.view.name, nulls)
        older, expired = left_out["older"], left_out["expired"]
        if older or expired:
            told = "feature view %r: %d rows older than those stored and %d past twice their TTL were not written"
            logger.info(told, self.view.name, older, expired)

    def _write(self, rows: Keyed) -> LeftOut:
        if not isinstance(self.store, StreamrankOnlineStore):
            self.store.online_write_batch(self.config, self.view, _protos(rows, self.view), lambda _: None)
            return Counter()
        written = self.store.write_columns(self.config, self.view, rows.columns, rows.event_us, rows.created_us)
        return Counter(older=written.older, expired=written.expired, null_keys=written.null_keys)


def _done(batch: tuple[int, Future], written: Callable[[int], object]) -> LeftOut:
    rows, writing = batch
    left_out = writing.result()
    written(rows)
    return left_out


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
