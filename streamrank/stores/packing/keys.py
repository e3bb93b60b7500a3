"""The Redis keys of a view's rows: its prefix, then the values of its join keys in the order of their names.

A component is a type tag and the value: q int64, t int64 microseconds, s and b a uint32 length and the bytes; all
little-endian. Every integer type has the same tag, so that a key does not depend on which one a caller used.
"""

from collections.abc import Sequence
from functools import lru_cache
from urllib.parse import quote

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt
from feast.types import Bytes, FeastType, Int64, String, UnixTimestamp

from streamrank.stores.packing.columns import Stored, binary
from streamrank.stores.packing.errors import FieldMismatch
from streamrank.stores.packing.from_arrow import from_arrow, plain
from streamrank.stores.packing.heads import offsets_of, valid_of
from streamrank.stores.packing.kinds import kind_of

_EMPTY = pa.scalar(b"", pa.large_binary())
_INTEGERS = ("INT32", "INT64")
_TEXTS = ("STRING", "UUID", "TIME_UUID", "DECIMAL")


def view_prefix(project: str, view: str) -> bytes:
    """What the keys of a view's rows start with; quoted, so that no two views of any projects share one."""
    return f"{project_prefix(project).decode()}{quote(view, safe='')}:".encode()


def project_prefix(project: str) -> bytes:
    """What every key of a project starts with."""
    return f"streamrank:{quote(project, safe='')}:".encode()


def layouts_key(project: str, view: str) -> bytes:
    """The hash of a view's layouts; no row's key, since quoting produces no `!`."""
    return view_prefix(project, view)[:-1] + b"!layouts"


def windows_prefix(project: str, view: str) -> bytes:
    """What every key of a windowed view starts with, its pointers and those of all its generations."""
    return view_prefix(project, view)[:-1] + b"!"


@lru_cache(1024)
def generation_prefix(project: str, view: str, generation: bytes) -> bytes:
    """What the keys of one generation of a windowed view start with."""
    return windows_prefix(project, view) + generation + b":"


def pointer_key(project: str, view: str, fingerprint: str) -> bytes:
    """Where it is written which generation of a windowed view is read: a string, absent until the view is filled."""
    return windows_prefix(project, view) + fingerprint.encode() + b"!generation"


def component(name: str, dtype: FeastType, values: object) -> pa.Array:
    """The values of a join key as int64, timestamp[us], large_string or large_binary, by its declared type.

    values: an Arrow array or anything Arrow makes one of. FieldMismatch where they do not fit.
    """
    try:
        array = values if isinstance(values, (pa.Array, pa.ChunkedArray)) else pa.array(values, from_pandas=True)
        return _component(dtype, plain(array))
    except (pa.ArrowException, FieldMismatch, TypeError, ValueError) as error:
        raise FieldMismatch(f"join key {name!r}: expected {dtype}, {error}") from error


def _component(dtype: FeastType, array: pa.Array) -> pa.Array:
    declared = getattr(dtype, "name", "")
    if declared in _INTEGERS:
        if pt.is_int64(array.type):
            return array
        if _is_text(array.type):
            return pc.cast(array, pa.int64())
        return _as(pa.int64(), from_arrow(kind_of(Int64), array))
    if declared in _TEXTS:
        return _large(array) if _is_text(array.type) else _as(pa.large_string(), from_arrow(kind_of(String), array))
    if declared == "UNIX_TIMESTAMP":
        return _as(pa.timestamp("us"), from_arrow(kind_of(UnixTimestamp), array))
    if declared == "BYTES":
        return _as(pa.large_binary(), from_arrow(kind_of(Bytes), array))
    raise FieldMismatch("which keys no row; declare String, Int64, Int32, UnixTimestamp or Bytes")


def entity_keys(prefix: bytes, components: Sequence[pa.Array], rows: int) -> pa.LargeBinaryArray:
    """The keys of `rows` rows with these components, null where one is null."""
    return with_prefix(prefix, together([end_of(each) for each in components], rows))


def with_prefix(prefix: bytes, ends: pa.LargeBinaryArray) -> pa.LargeBinaryArray:
    """The keys of a view whose keys end so, null where an end is."""
    if len(ends) == 1:
        end = ends[0].as_py()
        return pa.array([None if end is None else prefix + end], pa.large_binary())
    return pc.binary_join_element_wise(pa.scalar(prefix, pa.large_binary()), ends, _EMPTY)


def joined(starts: pa.LargeBinaryArray, ends: pa.LargeBinaryArray) -> pa.LargeBinaryArray:
    """Keys of any views, from what each starts and ends with; null where an end is."""
    return pc.binary_join_element_wise(starts, ends, _EMPTY)


def without_prefix(prefix: bytes, keys: pa.LargeBinaryArray) -> pa.LargeBinaryArray:
    """What keys that start with `prefix` end with."""
    return pc.binary_replace_slice(keys, 0, len(prefix), b"")


def together(ends: Sequence[pa.LargeBinaryArray], rows: int) -> pa.LargeBinaryArray:
    """What the keys of `rows` rows end with, from the `end_of` each component; null where one is. A component of one
    value is that of all rows."""
    if all(len(each) == 1 for each in ends):
        found = [each[0].as_py() for each in ends]
        return pa.array([None if None in found else b"".join(found)] * rows, pa.large_binary())
    if len(ends) == 1:
        return ends[0]
    return pc.binary_join_element_wise(*(each[0] if len(each) == 1 else each for each in ends), _EMPTY)


def end_of(array: pa.Array) -> pa.LargeBinaryArray:
    """A component's part of each key [n], the same for all views; null where it is."""
    if len(array) == 1:
        return pa.array([_end(array)], pa.large_binary())
    tag, values = _tag(array)
    fixed = [np.full((len(array), 1), ord(tag), np.uint8)]
    if isinstance(values, np.ndarray):
        ends = binary(np.concatenate([*fixed, values.view(np.uint8).reshape(-1, 8)], axis=1))
    else:
        bounds = offsets_of(values)
        fixed.append((bounds[1:] - bounds[:-1]).astype("<u4").view(np.uint8).reshape(-1, 4))
        ends = pc.binary_join_element_wise(binary(np.concatenate(fixed, axis=1)), values, _EMPTY)
    if not array.null_count:
        return ends
    return pc.if_else(pa.array(valid_of(array)), ends, pa.scalar(None, pa.large_binary()))


def _end(array: pa.Array) -> bytes | None:
    """The one value's part of a key; None where it is null."""
    if array.null_count:
        return None
    if pt.is_large_string(array.type) or pt.is_large_binary(array.type):
        value = array[0].as_py()
        tag, value = (b"s", value.encode()) if isinstance(value, str) else (b"b", value)
        return tag + len(value).to_bytes(4, "little") + value
    tag, values = _tag(array)
    return tag.encode() + values.tobytes()


def _tag(array: pa.Array) -> tuple[str, np.ndarray | pa.LargeBinaryArray]:
    if pt.is_large_string(array.type) or pt.is_large_binary(array.type):
        blobs = array.view(pa.large_binary())
        return "s" if pt.is_large_string(array.type) else "b", blobs.fill_null(b"") if blobs.null_count else blobs
    whole = array.cast(pa.int64())
    whole = whole.fill_null(0) if whole.null_count else whole
    return "q" if pt.is_int64(array.type) else "t", np.ascontiguousarray(whole.to_numpy(), "<i8")


def _as(target: pa.DataType, stored: Stored) -> pa.Array:
    absent = ~stored.valid
    if isinstance(stored.values, np.ndarray):
        return pa.array(stored.values, pa.int64(), mask=absent).cast(target)
    cast = stored.values.cast(target)
    return pc.if_else(pa.array(absent), pa.scalar(None, target), cast) if absent.any() else cast


def _large(array: pa.Array) -> pa.Array:
    """Text as large_string: what a cast gives, without what it costs to call one for a few keys."""
    if pt.is_large_string(array.type) or array.null_count:
        return array if pt.is_large_string(array.type) else pc.cast(array, pa.large_string())
    _, offsets, data = array.buffers()
    if offsets is None or not len(array):
        return pa.array([], pa.large_string())
    ends = np.frombuffer(offsets, np.int32)[array.offset : array.offset + len(array) + 1].astype(np.int64)
    return pa.Array.from_buffers(pa.large_string(), len(array), [None, pa.py_buffer(ends), data], null_count=0)


def _is_text(found: pa.DataType) -> bool:
    return pt.is_string(found) or pt.is_large_string(found)
