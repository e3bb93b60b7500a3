"""From Feast's arguments to a job: the parts of the question, its rows, and what is told about it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cache

import duckdb
import pandas as pd
import pyarrow as pa
from feast.feature_view import FeatureView
from feast.infra.offline_stores.offline_store import RetrievalMetadata
from feast.infra.registry.base_registry import BaseRegistry
from feast.on_demand_feature_view import OnDemandFeatureView
from feast.repo_config import RepoConfig
from feast.utils import compute_non_entity_date_range

from streamrank import clock
from streamrank.paths import columns_of
from streamrank.stores.history.asof import column_of, time_sql
from streamrank.stores.history.connecting import Limits, connected, quoted
from streamrank.stores.history.entity_rows import EntityRows, range_sql, rows_of_sql, rows_of_table
from streamrank.stores.history.job import HistoryJob
from streamrank.stores.history.latest import arrivals_sql
from streamrank.stores.history.parts import Key, Part, parts_of
from streamrank.stores.history.question import Answer, Question
from streamrank.stores.history.reaching import reached_parts
from streamrank.stores.history.sources import read
from streamrank.stores.history.times import microseconds
from streamrank.stores.history.windowed import changes_sql

Span = tuple[datetime | None, datetime | None]


def features_job(
    limits: Limits,
    config: RepoConfig,
    views: Sequence[FeatureView],
    references: Sequence[str],
    given: pd.DataFrame | pa.Table | str | None,
    registry: BaseRegistry,
    project: str,
    full_names: bool,
    cutoff: bool,
    span: Span,
) -> HistoryJob:
    """The job of one point-in-time question. Errors of the rows come now, errors of the sources when it runs."""
    parts = parts_of(views, references, full_names)
    if given is None:
        span = compute_non_entity_date_range(list(views), span[0], span[1] or clock.now())
        columns = ("event_timestamp", *dict.fromkeys(key.given for part in parts for key in part.keys))
        rows = EntityRows("event_timestamp", columns)
        ask = _over_range(rows, parts, cutoff, config, span)
    else:
        rows = _given(given, limits)
        parts = _taking_columns(parts, rows.columns, registry, project)
        keys = list(dict.fromkeys(key.given for part in parts for key in part.keys))
        reached = reached_parts(keys, rows.columns, registry, project)
        ask = Question(rows, parts, reached, cutoff, config.repo_path).answer

    @cache
    def describe() -> RetrievalMetadata:
        return RetrievalMetadata(
            list(references), [name for name in rows.columns if name != rows.time],
            *(span if given is None else _span(rows, limits)),
        )  # fmt: skip

    store = config.offline_store
    return HistoryJob(
        ask, limits, config.repo_path, OnDemandFeatureView.get_requested_odfvs(references, project, registry),
        full_names, describe, (store.staging_location, store.staging_location_endpoint_override),
    )  # fmt: skip


def _taking_columns(parts: Sequence[Part], given: Sequence[str], registry: BaseRegistry, project: str) -> list[Part]:
    """The parts with keys that are not given by their own names, and take another column that is, taken from it."""
    declared = columns_of(registry.list_entities(project, allow_cache=True))
    taken = {key: column for key, column in declared.items() if key not in given and column in given}
    return [
        replace(part, keys=tuple(Key(taken.get(key.given, key.given), key.name) for key in part.keys)) for part in parts
    ]


def _given(given: pd.DataFrame | pa.Table | str, limits: Limits) -> EntityRows:
    if not isinstance(given, str):
        return rows_of_table(given)
    with connected(limits) as connection:
        return rows_of_sql(given, connection)


def _span(rows: EntityRows, limits: Limits) -> Span:
    with connected(limits) as connection:
        return rows.span(connection)


def _over_range(
    rows: EntityRows, parts: Sequence[Part], cutoff: bool, config: RepoConfig, span: Span
) -> Callable[[duckdb.DuckDBPyConnection], Answer]:
    """A question whose rows are the times in `span` at which a key of a part got new values."""

    def answer(connection: duckdb.DuckDBPyConnection) -> Answer:
        selects = [_changes(connection, part, cutoff, config, span) for part in parts]
        sql = range_sql(selects, rows.columns[1:])
        return Question(EntityRows(rows.time, rows.columns, sql=sql), parts, [], cutoff, config.repo_path).answer(
            connection
        )

    return answer


def _changes(connection: duckdb.DuckDBPyConnection, part: Part, cutoff: bool, config: RepoConfig, span: Span) -> str:
    if part.windows:
        return changes_sql(connection, part, config.repo_path, *map(microseconds, span))
    if part.latest:
        return arrivals_sql(connection, part, config.repo_path, *map(microseconds, span))
    relation = read(connection, part.source, config.repo_path, part.columns)
    event, created = part.source.timestamp_field, part.source.created_timestamp_column
    known = time_sql(part, relation, event)
    if cutoff and created:
        known = f"greatest({known}, coalesce({time_sql(part, relation, created)}, {known}))"
    names = {key.given: quoted(column_of(part, relation, key.name)) for key in part.keys}
    keys = "".join(f", {column} AS {quoted(given)}" for given, column in names.items())
    present = "".join(f" AND {column} IS NOT NULL" for column in names.values())
    start, end = map(microseconds, span)
    return (
        f"SELECT make_timestamptz({known}) AS event_timestamp{keys} FROM {relation.sql} "
        f"WHERE {known} BETWEEN {start} AND {end}{present}"
    )
