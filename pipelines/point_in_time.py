"""The features of a service as of each row's time, each view asked only for what differs.

A request's rows share a user and a time, and a view changes only at the instants when a row of it becomes known. So
each view is asked for its distinct keys at its distinct instants, and the answers are spread over the rows. The values
are those of one plain question for all rows; the price of Feast's DuckDB store, rows times history, is paid less often.
"""

from collections import defaultdict
from collections.abc import Iterator

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from feast import FeatureService, FeatureStore, FeatureView
from feast.feature_view_projection import FeatureViewProjection
from feast.on_demand_feature_view import OnDemandFeatureView
from rich.progress import Progress

from catalog.schema import INSTANT
from pipelines.feature_store import declared_features, feature_service, open_store, quiet

PORTION_ROWS = 50_000
"""Rows asked for at once: the memory of Feast's DuckDB store grows with rows times the history of their keys."""

_ROW = "entity_row"


def historical_features(rows: pa.Table, service_name: str, portion: int = PORTION_ROWS) -> pa.Table:
    """The features of a service as of each row's time, in the order of the rows.

    rows: event_timestamp (UTC), the join keys of the service's views and its request columns; equal rows may repeat.
    Returns the rows' own columns, then the service's features in its order and declared types; missing values are null.
    A feature row that became known (`created`) after a row's time is not seen by it. portion: rows asked for at once.
    """
    store = open_store()
    service = feature_service(store, service_name)
    derived = [store.get_on_demand_feature_view(view.name) for view in _projections(store, service, derived=True)]
    columns = {name: rows[name] for name in rows.column_names}
    with Progress() as progress:
        asked = _asked(store, service, derived)
        task = progress.add_task(f"features of {rows.num_rows:,} rows", total=len(asked) + 1)
        for name, features in asked.items():
            columns |= _view_features(store, store.get_feature_view(name), features, rows, portion)
            progress.advance(task)
        for view in derived:
            columns |= _derived_features(view, columns, rows.num_rows, portion)
        progress.advance(task)
    declared = declared_features(store, service_name)
    given = [columns[name] for name in rows.column_names] + [columns[field.name].cast(field.type) for field in declared]
    return pa.table(given, schema=pa.schema([*rows.schema, *declared]))


def _projections(store: FeatureStore, service: FeatureService, derived: bool) -> Iterator[FeatureViewProjection]:
    names = {view.name for view in store.list_on_demand_feature_views()}
    return (view for view in service.feature_view_projections if (view.name in names) is derived)


def _asked(store: FeatureStore, service: FeatureService, derived: list[OnDemandFeatureView]) -> dict[str, list[str]]:
    """View name -> its features that the service or a derived view of it needs."""
    asked = defaultdict(dict)
    inputs = [view for odfv in derived for view in odfv.source_feature_view_projections.values()]
    for view in [*_projections(store, service, derived=False), *inputs]:
        asked[view.name] |= dict.fromkeys(field.name for field in view.features)
    return {name: list(features) for name, features in asked.items()}


def _view_features(
    store: FeatureStore, view: FeatureView, features: list[str], rows: pa.Table, portion: int
) -> dict[str, pa.Array]:
    keys = [rows[column.name] for column in view.entity_columns]
    instants = _instants(view)
    times = rows["event_timestamp"].cast(pa.int64()).to_numpy()
    place = np.searchsorted(instants, times, side="right") - 1
    known = place >= 0
    for key in keys:
        known &= key.is_valid().to_numpy()
    first, spread = _distinct([*keys, pa.array(place)], known)
    questions = pa.table([key.take(first) for key in keys], [column.name for column in view.entity_columns])
    questions = questions.append_column("event_timestamp", pa.array(instants[place[first]], pa.int64()).cast(INSTANT))
    answers = _answers(store, [f"{view.name}:{name}" for name in features], questions, portion)
    where = pa.array(spread, mask=~known)
    return {name: answers[name].take(where) for name in features}


def _instants(view: FeatureView) -> np.ndarray:
    """When values of the view can change, microseconds, ascending: each time at which a row of its source is known."""
    source = view.batch_source
    with duckdb.connect() as connection:
        known = connection.execute(
            f"""SELECT DISTINCT epoch_us(greatest({source.timestamp_field}, {source.created_timestamp_column})) AS known
            FROM read_parquet(?) ORDER BY known""",
            [source.path],
        ).fetchnumpy()["known"]
    return np.asarray(known, dtype=np.int64)


def _distinct(columns: list[pa.ChunkedArray | pa.Array], chosen: np.ndarray) -> tuple[pa.Array, np.ndarray]:
    """Of the chosen rows, the first of each distinct tuple, and for every row the place of its tuple among these."""
    codes = np.zeros(len(chosen), np.int64)
    for column in columns:
        encoded = pc.dictionary_encode(column, null_encoding="encode")
        encoded = encoded.combine_chunks() if isinstance(encoded, pa.ChunkedArray) else encoded
        codes = codes * max(len(encoded.dictionary), 1) + encoded.indices.to_numpy(zero_copy_only=False)
        _, codes = np.unique(codes, return_inverse=True)
    places = np.flatnonzero(chosen)
    _, first, inverse = np.unique(codes[places], return_index=True, return_inverse=True)
    spread = np.zeros(len(chosen), np.int64)
    spread[places] = inverse
    return pa.array(places[first]), spread


def _answers(store: FeatureStore, features: list[str], questions: pa.Table, portion: int) -> pa.Table:
    parts = [
        _portion(store, features, questions.slice(start, portion))
        for start in range(0, max(questions.num_rows, 1), portion)
    ]
    return pa.concat_tables(parts, promote_options="permissive")


def _portion(store: FeatureStore, features: list[str], questions: pa.Table) -> pa.Table:
    names = [reference.split(":")[1] for reference in features]
    if not questions.num_rows:
        return pa.table({name: pa.nulls(0) for name in names})
    numbered = questions.append_column(_ROW, pa.array(np.arange(questions.num_rows)))
    with quiet():
        job = store.get_historical_features(numbered.to_pandas(), features, filter_by_created_timestamp=True)
        found = job.to_arrow()
    if found.num_rows != questions.num_rows:
        raise RuntimeError(
            f"asked Feast for {questions.num_rows} rows of {features}, found {found.num_rows}: the store lost rows"
        )
    return found.sort_by(_ROW).select(names)  # the store gives rows in any order


def _derived_features(
    view: OnDemandFeatureView, columns: dict[str, pa.Array], rows: int, portion: int
) -> dict[str, pa.Array]:
    requested = [field.name for source in view.source_request_sources.values() for field in source.schema]
    read = [field.name for source in view.source_feature_view_projections.values() for field in source.features]
    inputs = pa.table({name: columns[name] for name in dict.fromkeys(requested + read)})
    parts = [
        view.transform_arrow(inputs.slice(start, portion)).select([field.name for field in view.features])
        for start in range(0, rows, portion)
    ]
    if not parts:
        return {field.name: pa.nulls(0) for field in view.features}
    whole = pa.concat_tables(parts, promote_options="permissive")
    return {name: whole[name] for name in whole.column_names}
