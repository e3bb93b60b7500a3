"""The features of a service as of each row's own time: for the pipeline's rows, and for a file of anyone's."""

from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from feast import FeatureStore
from feast.types import Array, Bool, FeastType, Float32, Float64, Int32, Int64, String, from_feast_to_pyarrow_type

from catalog.errors import InputError
from catalog.sql import file_list
from pipelines.feature_store import declared_features, feature_service, open_store
from streamrank.stores.history.job import HistoryJob
from streamrank.stores.history.saving import write_parquet

TIME, REQUEST_TIME, STATED = "event_timestamp", "request_time", "stated_topics"
READERS = {".parquet": "read_parquet", ".csv": "read_csv"}
SQL_TYPES = {
    Bool: "BOOLEAN", Float32: "FLOAT", Float64: "DOUBLE", Int32: "INTEGER", Int64: "BIGINT", String: "VARCHAR",
    Array(String): "VARCHAR[]",
}  # fmt: skip


def historical_features(rows: pa.Table, service_name: str) -> pa.Table:
    """The features of a service as of each row's time, in the order of the rows.

    rows: event_timestamp (UTC), the entity keys (those reached through an item may be left out) and the request columns
    of the service, of which the topics that a request states may be left out: nobody stated any; equal rows may
    repeat. Returns the rows' own columns, then the service's features in its order and declared types; missing values
    are null. What became known (`created`) after a row's time is not seen by it.
    """
    store = open_store()
    found = _job(store, _with_stated(store, rows, service_name), service_name).to_arrow()
    declared = declared_features(store, service_name)
    return found.select([*rows.column_names, *declared.names]).cast(pa.schema([*rows.schema, *declared]))


def write_features(entities: Path, service_name: str, out: Path) -> int:
    """Writes `out`, Parquet: the rows of `entities`, then the service's features in its order; the number of rows.

    entities: Parquet or CSV with event_timestamp and entity keys. Where the service takes request columns that the file
    lacks, request_time is the row's own time and any other is missing. Raises InputError when the file cannot be used.
    """
    _require_target(entities, out)
    store = open_store()
    job = _job(store, _question(store, service_name, entities), service_name)
    views = [*store.list_feature_views(), *store.list_stream_feature_views()]
    inputs = {field.name for view in views for field in view.features if field.name not in view.join_keys}
    unasked = inputs.difference(declared_features(store, service_name).names)
    pieces = (
        table.drop_columns([name for name in table.column_names if name in unasked]) for table in job.whole_batches()
    )
    write_parquet(pieces, str(out))
    return pq.read_metadata(out).num_rows


def _with_stated(store: FeatureStore, rows: pa.Table, service_name: str) -> pa.Table:
    """The rows, with no topics stated where the service takes them and the rows do not say."""
    kind = _request_columns(store, service_name).get(STATED)
    if kind is None or STATED in rows.column_names:
        return rows
    return rows.append_column(STATED, pa.nulls(rows.num_rows, from_feast_to_pyarrow_type(kind)))


def _require_target(entities: Path, out: Path) -> None:
    if out.suffix != ".parquet" or out.is_dir():
        raise InputError(f"{out}: expected the name of a .parquet file to write")
    if out.exists() and entities.exists() and out.samefile(entities):
        raise InputError(f"{out}: expected another file than the one with the rows to ask for; name a new one")


def _job(store: FeatureStore, rows: pa.Table | str, service_name: str) -> HistoryJob:
    return store.get_historical_features(rows, feature_service(store, service_name))


def _question(store: FeatureStore, service_name: str, entities: Path) -> str:
    scan = _scan(entities)
    given = duckdb.sql(f"SELECT * FROM {scan} LIMIT 0").columns
    if TIME not in given:
        raise InputError(
            f"{entities}: expected a column {TIME} with the instant that each row asks for, found {given}; "
            f"rename or add it"
        )
    needed = _request_columns(store, service_name)
    absent = {name: type for name, type in needed.items() if name not in given}
    if unknown := [name for name, type in absent.items() if type not in SQL_TYPES]:
        raise InputError(f"{entities}: service {service_name!r} needs the request columns {unknown}; add them")
    filled = [f'{_filling(name, type)} AS "{name}"' for name, type in absent.items()]
    return f"SELECT {', '.join(['*', *filled])} FROM {scan}"


def _scan(entities: Path) -> str:
    if entities.suffix not in READERS:
        raise InputError(f"{entities}: expected a .parquet or .csv file, found {entities.suffix or 'no ending'!r}")
    if not entities.exists():
        raise InputError(f"{entities}: expected a file with the rows to ask for, found none")
    return f"{READERS[entities.suffix]}({file_list([str(entities)])})"


def _request_columns(store: FeatureStore, service_name: str) -> dict[str, FeastType]:
    """What the service's derived views take from the request."""
    names = {view.name for view in feature_service(store, service_name).feature_view_projections}
    derived = [view for view in store.list_on_demand_feature_views() if view.name in names]
    sources = [source for view in derived for source in view.source_request_sources.values()]
    return {field.name: field.dtype for source in sources for field in source.schema}


def _filling(name: str, type: FeastType) -> str:
    if name == REQUEST_TIME and type == Int64:
        return f"epoch_us({TIME}::TIMESTAMPTZ)"
    return f"NULL::{SQL_TYPES[type]}"
