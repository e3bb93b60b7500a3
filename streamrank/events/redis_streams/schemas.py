"""The schema that events are offered in, and those of chunks that others wrote."""

import pyarrow as pa

from streamrank.events.redis_streams.chunks import fingerprint, offered_schema
from streamrank.events.redis_streams.keys import project_key
from streamrank.stores.connection import Connection


class Schemas:
    """offered: the columns that a producer gives. name: its fingerprint, which every chunk bears.

    The bus holds a hash of all schemas by name, so that events outlive a change of their columns.
    """

    def __init__(self, connection: Connection, project: str, schema: pa.Schema) -> None:
        self.offered = offered_schema(schema)
        self.name = fingerprint(self.offered)
        self._connection, self._key = connection, project_key(project, "schemas")
        self._known, self._announced = {self.name: self.offered}, False

    def of(self, name: bytes) -> pa.Schema:
        """The schema of a chunk that bears this name."""
        if name not in self._known:
            held = self._connection.get_fields(self._key)
            self._known |= {key: pa.ipc.read_schema(pa.py_buffer(text)) for key, text in held.items()}
        return self._known[name]

    def announce(self) -> None:
        """Leaves the offered schema for readers who have another one; once."""
        if not self._announced:
            self._connection.set_fields(self._key, {self.name: self.offered.serialize().to_pybytes()})
            self._announced = True

    def conform(self, events: pa.Table) -> pa.Table:
        """The events in the offered schema; a column that they lack is null. ValueError where they do not fit it."""
        if unknown := sorted(set(events.column_names) - set(self.offered.names)):
            raise ValueError(f"publish: expected columns among {self.offered.names}, found {', '.join(unknown)} too")
        return pa.table([self._column(events, field) for field in self.offered], schema=self.offered)

    def _column(self, events: pa.Table, field: pa.Field) -> pa.Array | pa.ChunkedArray:
        if field.name not in events.column_names:
            column = pa.nulls(len(events), field.type)
        else:
            column = _cast(events[field.name], field)
        if not field.nullable or field.name == "event_id":
            refuse_nulls(field.name, column)
        return column


def _cast(column: pa.ChunkedArray, field: pa.Field) -> pa.ChunkedArray:
    if column.type == field.type:
        return column
    try:
        return column.cast(field.type)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise ValueError(f"publish: expected {field.name} of {field.type}: {error}") from error


def refuse_nulls(name: str, column: pa.Array | pa.ChunkedArray) -> None:
    if column.null_count:
        raise ValueError(f"publish: expected no nulls in {name}, found {column.null_count} of {len(column)}")
