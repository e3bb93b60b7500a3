"""The rows for which features are asked: a frame, an Arrow table or SQL."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from feast.infra.offline_stores.offline_utils import infer_event_timestamp_from_entity_df

from streamrank.stores.history.asof import Rows
from streamrank.stores.history.connecting import quoted
from streamrank.stores.history.errors import HistoryError, misfit
from streamrank.stores.history.times import as_instants, column_microseconds, microseconds_sql, moment

TABLE = "entity_rows"
TIME = np.dtype("datetime64[us]")


@dataclass(frozen=True)
class EntityRows:
    """Either a table or SQL. time: the column of the event timestamp. columns: all names, in order."""

    time: str
    columns: tuple[str, ...]
    table: pa.Table | None = None
    sql: str | None = None

    @property
    def where(self) -> str:
        return f"entity rows, column {self.time!r}"

    def lay(self, connection: duckdb.DuckDBPyConnection, keys: Sequence[str]) -> Rows:
        """The rows with those of `keys` that they have, as a relation of the connection."""
        names = list(dict.fromkeys(key for key in keys if key in self.columns))
        if self.table is not None:
            connection.register(TABLE, self._narrow(names))
        else:
            connection.execute(f"CREATE TABLE given AS SELECT row_number() OVER () - 1 AS __row, * FROM ({self.sql})")
            types = types_of(connection, "given")
            instant = microseconds_sql(self.time, types[self.time], self.where)
            connection.execute(f"CREATE VIEW {TABLE} AS SELECT *, {instant} AS __time FROM given")
        return Rows(TABLE, types_of(connection, TABLE))

    def span(self, connection: duckdb.DuckDBPyConnection) -> tuple[datetime | None, datetime | None]:
        """The first and the last event timestamp, None where there is none."""
        if self.table is not None:
            bounds = pc.min_max(column_microseconds(self.table[self.time]))
            return moment(bounds["min"].as_py()), moment(bounds["max"].as_py())
        rows = self.lay(connection, [])
        first, last = connection.execute(f"SELECT min(__time), max(__time) FROM {rows.sql}").fetchall()[0]
        return moment(first), moment(last)

    def _narrow(self, names: list[str]) -> pa.Table:
        number = pa.array(np.arange(self.table.num_rows))
        times = column_microseconds(self.table[self.time])
        return pa.table([number, times, *map(self.table.column, names)], ["__row", "__time", *names])


def rows_of_sql(statement: str, connection: duckdb.DuckDBPyConnection) -> EntityRows:
    """The rows that a statement gives; Feast's EntityTimestampInferenceException when no column is their time."""
    sql = statement.strip().rstrip(";")
    types = types_of(connection, f"({sql})")
    time = infer_event_timestamp_from_entity_df(
        {name: TIME if kind.startswith("TIMESTAMP") else np.dtype(object) for name, kind in types.items()}
    )
    return EntityRows(time, tuple(types), sql=sql)


def rows_of_table(given: pd.DataFrame | pa.Table) -> EntityRows:
    """The rows of a table; Feast's EntityTimestampInferenceException when no column is their time."""
    table = _table(given)
    time = infer_event_timestamp_from_entity_df(
        {field.name: TIME if pa.types.is_timestamp(field.type) else np.dtype(object) for field in table.schema}
    )
    instants = as_instants(table[time], f"entity rows, column {time!r}")
    table = table.set_column(table.schema.get_field_index(time), time, instants)
    return EntityRows(time, tuple(table.column_names), table=table)


def types_of(connection: duckdb.DuckDBPyConnection, relation: str) -> dict[str, str]:
    described = connection.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()
    return {column: kind for column, kind, *_ in described}


def _table(given: pd.DataFrame | pa.Table) -> pa.Table:
    if isinstance(given, pa.RecordBatch):
        return pa.Table.from_batches([given])
    if isinstance(given, pa.Table):
        return given
    if not isinstance(given, pd.DataFrame):
        raise misfit("entity rows", "a DataFrame, an Arrow table or SQL", type(given).__name__, "convert them")
    try:
        return pa.Table.from_pandas(_readable(given), preserve_index=False)
    except (pa.ArrowInvalid, pa.ArrowTypeError, ValueError) as error:
        raise HistoryError(f"entity rows: expected columns of one type each, found {error}; convert them") from error


def _readable(frame: pd.DataFrame) -> pd.DataFrame:
    """Times that pandas holds as objects (mixed zones) as one column of instants; the caller's frame stays as it is."""
    name = "event_timestamp"
    if name not in frame or not pd.api.types.is_object_dtype(frame[name]):
        return frame
    return frame.assign(**{name: pd.to_datetime(frame[name], utc=True, format="ISO8601")})


def range_sql(selects: Sequence[str], keys: Sequence[str]) -> str:
    """The distinct rows of `selects` (event_timestamp and keys each), by time."""
    order = ", ".join(map(quoted, ["event_timestamp", *keys]))
    return f"SELECT DISTINCT {order} FROM ({' UNION BY NAME '.join(selects)}) ORDER BY {order}"
