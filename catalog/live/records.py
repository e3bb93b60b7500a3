"""Rows as bytes and back, whole columns at a time: what Redis holds of a viewer or an item is one such value.

A schema may have int64, string and list-of-string columns. A value is its int64 columns (null: the type's least), the
length of each text (null: -1), then the texts; all little-endian. The first column so lies in the first 8 bytes.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_NULL = np.iinfo(np.int64).min
_BETWEEN = "\x1f"  # elements of a list
_EMPTY = pa.scalar(b"", pa.large_binary())


def pack(rows: pa.Table) -> pa.LargeBinaryArray:
    """One value a row."""
    numbers, texts = _kinds(rows.schema)
    encoded = [_encoded(whole(rows[name])) for name in texts]
    held = [whole(rows[name]).fill_null(_NULL).to_numpy() for name in numbers]
    lengths = [pc.fill_null(pc.binary_length(text), -1).to_numpy() for text in encoded]
    parts = [np.stack(held, axis=1).astype("<i8"), np.stack(lengths, axis=1).astype("<i4")]
    heads = np.ascontiguousarray(np.concatenate([part.view(np.uint8) for part in parts], axis=1))
    fixed = pa.FixedSizeBinaryArray.from_buffers(pa.binary(heads.shape[1]), len(rows), [None, pa.py_buffer(heads)])
    return pc.binary_join_element_wise(
        fixed.cast(pa.large_binary()), *encoded, _EMPTY, null_handling="replace", null_replacement=b""
    )


def unpack(values: pa.LargeBinaryArray, schema: pa.Schema) -> pa.Table:
    """The rows of `schema` that `pack` made `values` of; values [n] without nulls."""
    numbers, texts = _kinds(schema)
    bounds, data = _offsets(values), np.frombuffer(values.buffers()[2] or b"", np.uint8)
    split, width = 8 * len(numbers), 8 * len(numbers) + 4 * len(texts)
    heads = data[bounds[:-1, None] + np.arange(width)] if len(values) else np.zeros((0, width), np.uint8)
    held = np.ascontiguousarray(heads[:, :split]).view("<i8")
    lengths = np.ascontiguousarray(heads[:, split:]).view("<i4")
    sizes = np.maximum(lengths, 0).astype(np.int64)
    begins = bounds[:-1, None] + width + np.cumsum(sizes, axis=1) - sizes
    columns = {name: pa.array(held[:, at], mask=held[:, at] == _NULL) for at, name in enumerate(numbers)}
    for at, name in enumerate(texts):
        columns[name] = _decoded(_gathered(data, begins[:, at], lengths[:, at]), schema.field(name).type)
    return pa.table([columns[name] for name in schema.names], schema=schema)


def whole(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """The column as one array."""
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _kinds(schema: pa.Schema) -> tuple[list[str], list[str]]:
    numbers = [field.name for field in schema if pa.types.is_int64(field.type)]
    return numbers, [name for name in schema.names if name not in numbers]


def _encoded(column: pa.Array) -> pa.LargeBinaryArray:
    joined = pc.binary_join(column, _BETWEEN) if pa.types.is_list(column.type) else column
    return joined.cast(pa.large_binary())


def _decoded(texts: pa.StringArray, kind: pa.DataType) -> pa.Array:
    if not pa.types.is_list(kind):
        return texts
    return pc.if_else(pc.equal(texts, ""), pa.scalar([], kind), pc.split_pattern(texts, _BETWEEN))


def _gathered(data: np.ndarray, begins: np.ndarray, lengths: np.ndarray) -> pa.StringArray:
    """The texts that begin at `begins` in `data`; null where the length is negative."""
    held = np.maximum(lengths, 0).astype(np.int64)
    ends = np.concatenate([[0], np.cumsum(held)])
    chosen = data[np.repeat(begins - ends[:-1], held) + np.arange(ends[-1])]
    valid = pa.py_buffer(np.packbits(lengths >= 0, bitorder="little"))
    return pa.StringArray.from_buffers(
        len(lengths), pa.py_buffer(ends.astype(np.int32)), pa.py_buffer(chosen), valid, int((lengths < 0).sum())
    )


def _offsets(values: pa.LargeBinaryArray) -> np.ndarray:
    if not len(values):
        return np.zeros(1, np.int64)
    return np.frombuffer(values.buffers()[1], np.int64)[values.offset : values.offset + len(values) + 1]
