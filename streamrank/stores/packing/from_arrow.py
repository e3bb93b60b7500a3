"""Arrow columns to stored ones: what fits a Field is cast to its type, anything else is refused.

As Feast does, NaN in a scalar column reads as null, a null within a list as 0, "" or False, naive times as UTC and
integers in a timestamp column as seconds.
"""

import json

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt
from feast.type_map import python_values_to_proto_values

from streamrank.stores.packing.columns import Stored, from_offsets
from streamrank.stores.packing.errors import FieldMismatch
from streamrank.stores.packing.heads import offsets_of, valid_of
from streamrank.stores.packing.kinds import NO_INSTANT, Form, Kind

_UNITS = {"s": 1_000_000, "ms": 1_000, "us": 1, "ns": -1_000}
_SECOND = 1_000_000


def from_arrow(kind: Kind, array: pa.Array) -> Stored:
    """The stored column of an Arrow one; FieldMismatch, saying what was expected and found, where it does not fit."""
    array = plain(array)
    try:
        if kind.form is Form.NUMBER:
            return numbers(kind, array)
        if kind.form is Form.BLOB:
            return _blobs(kind, array)
        if kind.form in (Form.NUMBERS, Form.BLOBS):
            return _lists(kind, array)
        return _messages(kind, array)
    except FieldMismatch:
        raise
    except (pa.ArrowException, ValueError, TypeError, AssertionError, OverflowError) as error:
        raise FieldMismatch(f"expected {kind.name}, found {array.type}: {error}") from error


def plain(array: pa.Array | pa.ChunkedArray) -> pa.Array:
    """The array in one chunk, without dictionary, run-end or extension encoding."""
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks() if array.num_chunks != 1 else array.chunk(0)
    if isinstance(array, pa.ExtensionArray):
        array = (
            pa.array([None if v is None else str(v) for v in array.to_pylist()]) if _is_uuid(array) else array.storage
        )
    if pt.is_dictionary(array.type):
        return array.dictionary_decode()
    return pc.run_end_decode(array) if pt.is_run_end_encoded(array.type) else array


def numbers(kind: Kind, array: pa.Array) -> Stored:
    """The stored column of a fixed-width kind; of its elements where the kind is a list."""
    if pt.is_floating(array.type):
        array = pc.if_else(pc.is_nan(array), pa.scalar(None, array.type), array)
    valid = valid_of(array)
    if pt.is_null(array.type):
        return Stored(np.full(len(array), _filler(kind), kind.dtype), valid)
    if kind.is_instant:
        return Stored(np.where(valid, _microseconds(kind, array), 0), valid)
    _require(kind, array, pt.is_boolean(array.type) or pt.is_integer(array.type) or _is_fractional(kind, array.type))
    target = pa.from_numpy_dtype(kind.dtype)
    if kind.dtype == np.bool_ and pt.is_integer(array.type):
        _require(kind, array, pc.all(pc.is_in(array, pa.array([0, 1, None], array.type))).as_py() is not False)
    cast = pc.cast(array, target, safe=not pt.is_floating(target))
    return Stored(np.asarray(cast.fill_null(_filler(kind)).to_numpy(zero_copy_only=False), kind.dtype), valid)


def _is_fractional(kind: Kind, found: pa.DataType) -> bool:
    return kind.dtype != np.bool_ and (pt.is_floating(found) or pt.is_decimal(found))


def _filler(kind: Kind) -> float | bool | int:
    if kind.dtype == np.bool_:
        return False
    return float("nan") if kind.dtype.kind == "f" else 0


def _microseconds(kind: Kind, array: pa.Array) -> np.ndarray:
    if pt.is_date(array.type):
        array = pc.cast(array, pa.timestamp("us"))
    if pt.is_timestamp(array.type):
        factor = _UNITS[array.type.unit]
    else:
        _require(kind, array, pt.is_integer(array.type))
        factor = _SECOND
    whole = pc.cast(array, pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
    if factor < 0:
        return whole // -factor
    if np.abs(whole).max(initial=0) > (2**63 - 1) // factor:
        raise FieldMismatch(f"expected {kind.name}, found an instant beyond 64 bits of microseconds")
    return whole * factor


def _blobs(kind: Kind, array: pa.Array) -> Stored:
    found, valid = array.type, valid_of(array)
    if pt.is_null(found):
        return Stored(_nothing(len(array)), valid)
    if kind.attribute == "json_val":
        array = _json(kind, array)
    elif kind.is_text:
        _require(kind, array, _is_text(found) or _prints_alike(kind, found))
        array = pc.cast(array, pa.large_string())
    else:
        _require(kind, array, _is_bytes(found))
    return Stored(pc.cast(array, pa.large_binary()).fill_null(b""), valid)


def _prints_alike(kind: Kind, found: pa.DataType) -> bool:
    if kind.attribute.startswith("decimal"):
        return pt.is_decimal(found)
    return kind.attribute.startswith("string") and (pt.is_integer(found) or pt.is_date(found))


def _json(kind: Kind, array: pa.Array) -> pa.Array:
    if not _is_text(array.type):
        return pa.array([None if v is None else json.dumps(v) for v in array.to_pylist()], pa.large_string())
    for text in array.unique().to_pylist():
        if text is not None:
            json.loads(text)
    return array


def _lists(kind: Kind, array: pa.Array) -> Stored:
    valid = valid_of(array)
    if pt.is_null(array.type):
        return Stored(_nothing(len(array)), valid)
    _require(kind, array, pt.is_list(array.type) or _is_other_list(array.type))
    array = pc.cast(array, pa.large_list(array.type.value_type))
    lengths = pc.list_value_length(array).fill_null(0).to_numpy(zero_copy_only=False)
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
    elements = plain(array.flatten())  # leaves out what lies under a null
    if kind.form is Form.BLOBS:
        of_one = Kind(kind.name, Form.BLOB, kind.feast, kind.attribute, kind.arrow)
        return Stored(joined(_blobs(of_one, elements).values, offsets), valid)
    raw = _elements(kind, elements)
    return Stored(from_offsets(offsets * kind.dtype.itemsize, np.ascontiguousarray(raw).view(np.uint8)), valid)


def _elements(kind: Kind, elements: pa.Array) -> np.ndarray:
    if kind.dtype.kind == "f" and pt.is_floating(elements.type):  # NaN is an element of a list as any other
        return pc.cast(elements, kind.arrow.value_type, safe=False).fill_null(0.0).to_numpy(zero_copy_only=False)
    found = numbers(kind, elements)
    absent = NO_INSTANT if kind.is_instant else 0
    return np.where(found.valid, found.values, np.array(absent, kind.dtype)).astype(kind.dtype)


def joined(elements: pa.LargeBinaryArray, offsets: np.ndarray) -> pa.LargeBinaryArray:
    """Lists of blobs, element offsets [n + 1], as one blob each: a uint32 start for every element, then their bytes."""
    ends, counts = offsets_of(elements), np.diff(offsets)
    base = np.repeat(ends[offsets[:-1]] - 4 * counts, counts)
    starts = np.ascontiguousarray((ends[:-1] - ends[0] - (base - ends[0])).astype("<u4")).view(np.uint8)
    table = from_offsets(offsets * 4, starts)
    data = np.frombuffer(elements.buffers()[2] or b"", np.uint8)
    text = from_offsets(ends[offsets], data)
    return pc.binary_join_element_wise(table, text, pa.scalar(b"", pa.large_binary()))


def _messages(kind: Kind, array: pa.Array) -> Stored:
    """Values that are kept as Feast's own messages, converted one by one as Feast converts them."""
    objects = array.to_pylist(maps_as_pydicts="strict")
    if kind.feast.name.endswith("_SET"):
        objects = [None if each is None else [v for v in each if v is not None] for each in objects]
    protos = python_values_to_proto_values(objects, kind.feast)
    return Stored(messages(protos), valid_of(array))


def messages(protos: list) -> pa.LargeBinaryArray:
    """Feast values, serialized."""
    return pa.array([proto.SerializeToString(deterministic=True) for proto in protos], pa.large_binary())


def _nothing(n: int) -> pa.LargeBinaryArray:
    return from_offsets(np.zeros(n + 1, np.int64), np.empty(0, np.uint8))


def _require(kind: Kind, array: pa.Array, fits: bool) -> None:
    if not fits:
        example = next((value for value in array.slice(0, 1000).to_pylist() if value is not None), None)
        raise FieldMismatch(f"expected {kind.name}, found {array.type} (as {example!r})")


def _is_uuid(array: pa.ExtensionArray) -> bool:
    return array.type.extension_name == "arrow.uuid"


def _is_text(found: pa.DataType) -> bool:
    return pt.is_string(found) or pt.is_large_string(found) or pt.is_string_view(found)


def _is_bytes(found: pa.DataType) -> bool:
    return (
        pt.is_binary(found) or pt.is_large_binary(found) or pt.is_fixed_size_binary(found) or pt.is_binary_view(found)
    )


def _is_other_list(found: pa.DataType) -> bool:
    return pt.is_large_list(found) or pt.is_fixed_size_list(found) or pt.is_list_view(found)
