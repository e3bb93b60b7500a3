"""A chunk: events of one shard as one Arrow record batch, and the way back to tables.

It is the batch's IPC message, compressed with LZ4, its size before (uint32), and eight bytes that say which schema it
was written with: the schema of few events would be larger than the events.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

STAMPS = pa.schema([
    pa.field("arrived_at", pa.timestamp("us", tz="UTC"), nullable=False),
    pa.field("shard", pa.int32(), nullable=False),
    pa.field("log_position", pa.int64(), nullable=False),
])  # fmt: skip
FINGERPRINT_BYTES = 8
TAIL_BYTES = 4 + FINGERPRINT_BYTES


def stamped_schema(schema: pa.Schema) -> pa.Schema:
    """`schema` with the stamps; where it has them they stay in place."""
    missing = [field for field in STAMPS if field.name not in schema.names]
    return pa.schema([*schema, *missing])


def offered_schema(schema: pa.Schema) -> pa.Schema:
    """`schema` without the stamps: what a producer gives."""
    return pa.schema([field for field in schema if field.name not in STAMPS.names])


def fingerprint(schema: pa.Schema) -> bytes:
    """Eight bytes that change with the columns and types."""
    return hashlib.sha256(schema.serialize().to_pybytes()).digest()[:FINGERPRINT_BYTES]


def encode(batch: pa.RecordBatch, name: bytes) -> bytes:
    """The chunk of `batch`; name: the fingerprint of its schema."""
    message = batch.serialize()
    return pa.compress(message, "lz4_raw", asbytes=True) + message.size.to_bytes(4, "little") + name


@dataclass(frozen=True)
class Chunk:
    """One entry of a stream: the last position, the first, the places left out (uint32) and the encoded events."""

    last: int
    first: int
    dropped: bytes
    events: bytes

    @property
    def schema_name(self) -> bytes:
        return self.events[-FINGERPRINT_BYTES:]

    def batch(self, schema: pa.Schema) -> pa.RecordBatch:
        """The events that were taken."""
        size = int.from_bytes(self.events[-TAIL_BYTES:-FINGERPRINT_BYTES], "little")
        message = pa.decompress(memoryview(self.events)[:-TAIL_BYTES], size, "lz4_raw")
        batch = pa.ipc.read_record_batch(message, schema)
        if not self.dropped:
            return batch
        kept = np.ones(batch.num_rows, bool)
        kept[np.frombuffer(self.dropped, np.uint32)] = False
        return batch.filter(pa.array(kept))


def table(
    chunks: Sequence[Chunk], batches: Sequence[pa.RecordBatch], shards: Sequence[int], schema: pa.Schema
) -> pa.Table:  # fmt: skip
    """The chunks as one table of `schema`, in their order, stamped; a column that they lack is null.

    batches: the events of each chunk. shards: the shard of each.
    """
    events = pa.concat_tables([pa.Table.from_batches([batch]) for batch in batches], promote_options="default")
    positions = pa.array(_positions(chunks, [batch.num_rows for batch in batches]))
    instant = STAMPS.field("arrived_at").type
    event_us = pc.min_element_wise(events["event_time"].cast(pa.int64()), positions, skip_nulls=False)
    columns = {
        "arrived_at": positions.cast(instant),
        "shard": pa.array(np.repeat(np.array(shards, np.int32), [batch.num_rows for batch in batches])),
        "log_position": positions,
        "event_time": event_us.cast(instant),
    }
    held = [columns[name] if name in columns else _column(events, schema.field(name)) for name in schema.names]
    return pa.table(held, schema=schema)


def _column(events: pa.Table, field: pa.Field) -> pa.ChunkedArray | pa.Array:
    return events[field.name] if field.name in events.column_names else pa.nulls(len(events), field.type)


def _positions(chunks: Sequence[Chunk], rows: Sequence[int]) -> np.ndarray:
    """int64: within a chunk one by one from its first."""
    starts = np.cumsum(rows) - rows
    firsts = np.array([chunk.first for chunk in chunks], np.int64)
    return np.repeat(firsts - starts, rows) + np.arange(sum(rows))
