"""The job that Feast hands out: an answer that streams, becomes a table or a frame, or is written without being one."""

from collections.abc import Callable, Iterator, Sequence
from copy import copy
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
from feast.infra.offline_stores.offline_store import RetrievalJob, RetrievalMetadata
from feast.on_demand_feature_view import OnDemandFeatureView
from feast.saved_dataset import SavedDatasetStorage
from feast.types import FeastType

from streamrank.derived import columnwise, transform_table
from streamrank.stores.history.connecting import Limits, connected
from streamrank.stores.history.declared import as_declared, as_served
from streamrank.stores.history.latest import cut, portions
from streamrank.stores.history.question import Answer
from streamrank.stores.history.saving import persist, write_parquet

ROWS = 100_000
Cast = Callable[[pa.Array, FeastType, str], pa.Array]


class HistoryJob(RetrievalJob):
    """`ask` turns a connection into an answer; each method runs it on a connection of its own.

    describe: metadata, read when first asked for. derived: on demand views, run on what `ask` gives.
    """

    def __init__(
        self,
        ask: Callable[[duckdb.DuckDBPyConnection], Answer],
        limits: Limits,
        repo_path: Path | str | None,
        derived: Sequence[OnDemandFeatureView] = (),
        full_names: bool = False,
        describe: Callable[[], RetrievalMetadata | None] = lambda: None,
        staging: tuple[str | None, str | None] = (None, None),
    ) -> None:
        self._ask, self._limits, self._repo_path = ask, limits, repo_path
        self._substrait = [view for view in derived if view.mode == "substrait"]
        self._derived = [on_columns(view) for view in derived if view.mode != "substrait"]
        self._full_names, self._describe, self._staging = full_names, describe, staging

    def to_record_batches(self, rows: int = ROWS) -> Iterator[pa.RecordBatch]:
        """The answer in order, at most `rows` rows a batch (give or take DuckDB's 2,048), fewer where lists are long,
        without derived features."""
        with connected(self._limits) as connection:
            answer = self._ask(connection)
            reader = connection.sql(answer.sql).to_arrow_reader(rows)
            done = 0
            for batch in reader:
                for part in portions(batch, answer.histories):
                    yield _complete(answer, part, done)
                    done += part.num_rows

    def schema(self) -> pa.Schema:
        """Of the answer without derived features."""
        with connected(self._limits) as connection:
            answer = self._ask(connection)
            return _complete(
                answer, _nothing(connection.sql(f"FROM ({answer.sql}) LIMIT 0").to_arrow_table()), 0
            ).schema

    def to_parquet(self, path: Path | str, rows: int = ROWS) -> None:
        """Writes the answer with its derived features to one file, `rows` rows at a time; whole or not at all."""
        write_parquet(self.whole_batches(rows), str(path))

    def whole_batches(self, rows: int = ROWS) -> Iterator[pa.Table]:
        """The answer with its derived features, piece by piece; at least one piece, empty if the answer is."""
        empty = True
        for batch in self.to_record_batches(rows):
            empty = False
            yield _Piece(self, pa.Table.from_batches([batch])).to_arrow()
        if empty:
            yield _Piece(self, self.schema().empty_table()).to_arrow()

    def to_arrow(self, validation_reference: Any = None, timeout: int | None = None) -> pa.Table:
        return _derived_as_declared(super().to_arrow(validation_reference, timeout), self)

    def to_sql(self) -> str:
        """The statement; entity rows given as a table are the relation entity_rows in it."""
        with connected(self._limits) as connection:
            return self._ask(connection).sql

    def persist(self, storage: SavedDatasetStorage, allow_overwrite: bool = False, timeout: int | None = None) -> None:
        """Streams the answer with its derived features to the storage; whole or not at all.

        Raises Feast's SavedDatasetLocationAlreadyExists where something lies there and may not be overwritten.
        """
        persist(self.whole_batches(), storage, self._repo_path, allow_overwrite)

    @property
    def full_feature_names(self) -> bool:
        return self._full_names

    @property
    def on_demand_feature_views(self) -> list[OnDemandFeatureView]:
        return self._derived

    @property
    def metadata(self) -> RetrievalMetadata | None:
        return self._describe()

    def supports_remote_storage_export(self) -> bool:
        return self._staging[0] is not None

    def to_remote_storage(self) -> list[str]:
        """Writes the answer below the staging location; the paths of its files."""
        from streamrank.stores.history.saving import stage

        return stage(self.whole_batches(), *self._staging)

    def _to_arrow_internal(self, timeout: int | None = None) -> pa.Table:
        with connected(self._limits) as connection:
            answer = self._ask(connection)
            found = connection.sql(answer.sql).to_arrow_table()
        return self._with_substrait(_complete_table(answer, found))

    def _to_df_internal(self, timeout: int | None = None) -> pd.DataFrame:
        return self._to_arrow_internal(timeout).to_pandas()

    def _with_substrait(self, table: pa.Table) -> pa.Table:
        if not self._substrait:
            return table
        import ibis

        relation = ibis.memtable(table)
        for view in self._substrait:
            relation = view.transform_ibis(relation, self._full_names)
        return relation.to_pyarrow()


class _Piece(HistoryJob):
    """Some rows of a job's answer, for Feast's own way of adding derived features."""

    def __init__(self, job: HistoryJob, table: pa.Table) -> None:
        derived = [*job._substrait, *job._derived]
        super().__init__(job._ask, job._limits, job._repo_path, derived, job._full_names, job._describe)
        self._table = table

    def _to_arrow_internal(self, timeout: int | None = None) -> pa.Table:
        return self._with_substrait(self._table)


def on_columns(view: OnDemandFeatureView) -> OnDemandFeatureView:
    """The view as Feast calls it for tables, run on whole columns where its function takes them."""
    if columnwise(view):
        view = copy(view)
        view.transform_arrow = partial(transform_table, view)
    return view


def _complete(answer: Answer, batch: pa.RecordBatch, start: int) -> pa.RecordBatch:
    return _single(_complete_table(answer, pa.Table.from_batches([batch]), start))


def _complete_table(answer: Answer, found: pa.Table, start: int = 0) -> pa.Table:
    """The given columns of these rows, then the found ones in their declared types."""
    for name, values in answer.histories.items():
        place, spans = found.schema.get_field_index(name), found[name].combine_chunks()
        found = found.set_column(place, name, cut(spans, values))
    columns = {name: _each(as_served, found[name], *answer.declared[name]) if name in answer.declared else found[name]
               for name in found.column_names if name != "__row"}  # fmt: skip
    given = answer.given.slice(start, found.num_rows) if answer.given is not None else pa.table({})
    return pa.table({name: given[name] for name in given.column_names} | columns)


def _each(cast: Cast, column: pa.ChunkedArray, feast_type: FeastType, where: str) -> pa.ChunkedArray:
    chunks = column.chunks or [pa.array([], column.type)]
    return pa.chunked_array([cast(chunk, feast_type, where) for chunk in chunks])


def _derived_as_declared(table: pa.Table, job: HistoryJob) -> pa.Table:
    for view in job.on_demand_feature_views:
        for feature in view.features:
            name = f"{view.projection.name_to_use()}__{feature.name}" if job.full_feature_names else feature.name
            if name in table.column_names:
                place = table.schema.get_field_index(name)
                where = f"on demand view {view.name!r}, feature {feature.name!r}"
                column = _each(as_declared, table[name], feature.dtype, where)
                table = table.set_column(place, name, column)
    return table


def _single(table: pa.Table) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([_array(column) for column in table.columns], schema=table.schema)


def _array(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks == 1 else pa.concat_arrays(column.chunks or [pa.array([], column.type)])


def _nothing(table: pa.Table) -> pa.RecordBatch:
    return _single(table.slice(0, 0))
