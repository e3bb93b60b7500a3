"""Requests as bytes in the Redis protocol, whole columns at a time."""

from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

END = pa.scalar(b"\r\n", pa.large_binary())
EMPTY = pa.scalar(b"", pa.large_binary())
_HEADS = pa.array([b"$%d" % length for length in range(512)], pa.large_binary())  # of all keys that are usual


def command(*words: bytes) -> bytes:
    """One whole command."""
    return head(len(words), *words)


def head(count: int, *words: bytes) -> bytes:
    """The start of a command of `count` words: its first words; the others are appended as bulk strings."""
    return b"*%d\r\n" % count + words_of(words)


def words_of(words: Iterable[bytes]) -> bytes:
    """Each as a bulk string."""
    return b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in words)


def bulk(column: pa.LargeBinaryArray) -> pa.LargeBinaryArray:
    """Each value as a bulk string, `$length\\r\\nvalue\\r\\n`; 75 ns a row, 10 where all are of one length."""
    if column.type != pa.large_binary():
        raise ValueError(f"expected a column of large_binary, found {column.type}")
    if column.null_count:
        raise ValueError(f"expected no nulls, found {column.null_count} of {len(column)}")
    bounds = offsets(column)
    lengths = bounds[1:] - bounds[:-1]
    if len(column) and not np.count_nonzero(lengths != lengths[0]):
        return _bulk_of_one_length(column, bounds)
    if np.maximum.reduce(lengths, initial=0) < len(_HEADS):
        return pc.binary_join_element_wise(_HEADS.take(pa.array(lengths)), column, EMPTY, END)
    encoded = pa.array(lengths).dictionary_encode()
    heads = pa.array([b"$%d" % length for length in encoded.dictionary.to_pylist()], pa.large_binary())
    return pc.binary_join_element_wise(heads.take(encoded.indices), column, EMPTY, END)


def _bulk_of_one_length(column: pa.LargeBinaryArray, bounds: np.ndarray) -> pa.LargeBinaryArray:
    rows, length = len(column), int(bounds[1] - bounds[0])
    before = np.frombuffer(b"$%d\r\n" % length, np.uint8)
    after = len(before) + length
    out = np.empty((rows, after + 2), np.uint8)
    out[:, : len(before)] = before
    if length:
        data = np.frombuffer(column.buffers()[2], np.uint8)[bounds[0] : bounds[-1]]
        out[:, len(before) : after] = data.reshape(rows, length)
    out[:, after:] = np.frombuffer(b"\r\n", np.uint8)
    ends = pa.py_buffer(np.arange(rows + 1) * (after + 2))
    return pa.Array.from_buffers(pa.large_binary(), rows, [None, ends, pa.py_buffer(out)])


def glue(*parts: pa.LargeBinaryArray | bytes) -> pa.LargeBinaryArray:
    """The parts of each row joined to one value; a part given as bytes goes into every row."""
    columns = [pa.scalar(part, pa.large_binary()) if isinstance(part, bytes) else part for part in parts]
    return pc.binary_join_element_wise(*columns, EMPTY)


def span(column: pa.LargeBinaryArray, start: int, stop: int) -> memoryview:
    """The bytes of rows [start, stop), one after the other, without a copy."""
    bounds = offsets(column)
    data = column.buffers()[2]
    return memoryview(data)[bounds[start] : bounds[stop]] if data is not None else memoryview(b"")


def offsets(column: pa.LargeBinaryArray) -> np.ndarray:
    """int64 [n + 1]: where each value begins in the data buffer."""
    if not len(column):
        return np.zeros(1, np.int64)
    whole = np.frombuffer(column.buffers()[1], np.int64)
    return whole[column.offset : column.offset + len(column) + 1]


def digits(numbers: np.ndarray) -> pa.LargeBinaryArray:
    """Decimal text of int64 numbers."""
    return pa.array(numbers).cast(pa.large_string()).cast(pa.large_binary())
