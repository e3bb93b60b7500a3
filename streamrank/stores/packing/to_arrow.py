"""Stored columns as Arrow arrays of the declared types."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from feast.protos.feast.types.Value_pb2 import Value
from feast.type_map import feast_value_type_to_python_type
from feast.value_type import ValueType

from streamrank.stores.packing.columns import Stored, from_offsets, gather
from streamrank.stores.packing.errors import CorruptValue
from streamrank.stores.packing.heads import data_of, offsets_of, windows_of
from streamrank.stores.packing.kinds import NO_INSTANT, Form, Kind


def to_arrow(kind: Kind, stored: Stored) -> pa.Array:
    """The column as an array of `kind.arrow`, null where it is not valid.

    Maps, structs and nested collections whose values do not fit the Arrow type that Feast declares for them come in the
    type that Arrow infers, sets as lists, scalar maps as Arrow maps.
    """
    absent = ~stored.valid
    if kind.form is Form.NUMBER:
        return pa.array(stored.values, pa.from_numpy_dtype(kind.dtype), mask=absent).cast(kind.arrow)
    if kind.form is Form.BLOB:
        found = texts(stored.values, np.arange(len(absent) + 1)) if kind.is_text else stored.values
        return _nulled(found.cast(kind.arrow), absent)
    if kind.form is Form.NUMBERS:
        return listed(kind, *elements(kind, stored), absent)
    if kind.form is Form.BLOBS:
        offsets, blobs = split(stored)
        return listed(kind, offsets, texts(blobs, offsets) if kind.is_text else blobs, absent)
    return _objects(kind, stored)


def elements(kind: Kind, stored: Stored) -> tuple[np.ndarray, pa.Array]:
    """Lists of numbers as offsets [n + 1] and elements; CorruptValue where bytes are no whole number of elements."""
    offsets, width = offsets_of(stored.values), kind.dtype.itemsize
    ragged = np.diff(offsets) % width != 0
    if np.count_nonzero(ragged):
        raise CorruptValue(f"a list of {kind.name} that ends within an element", int(ragged.argmax()))
    raw = data_of(stored.values)[offsets[0] : offsets[-1]]
    values = raw.view(np.uint8) != 0 if kind.dtype == np.bool_ else np.frombuffer(raw.tobytes(), kind.dtype)
    found = pa.array(values, pa.from_numpy_dtype(kind.dtype), mask=values == NO_INSTANT if kind.is_instant else None)
    return (offsets - offsets[0]) // width, found


def split(stored: Stored) -> tuple[np.ndarray, pa.LargeBinaryArray]:
    """Lists of blobs as offsets [n + 1] and blobs; CorruptValue where the starts are none."""
    offsets, data = offsets_of(stored.values), data_of(stored.values)
    if len(offsets) == 2 and offsets[1] > offsets[0]:
        return split_one(data[offsets[0] : offsets[1]])
    sizes = offsets[1:] - offsets[:-1]
    filled = np.flatnonzero(sizes)
    first = np.zeros(len(sizes), np.int64)
    if len(filled):
        _require(sizes[filled] >= 4, filled)
        first[filled] = _uint32(data, offsets[filled])
    _require((first & 3 == 0) & (first <= sizes) & ((first > 0) == (sizes > 0)), np.arange(len(sizes)))
    counts = first >> 2
    listed = np.zeros(len(counts) + 1, np.int64)
    np.cumsum(counts, out=listed[1:])
    row = np.repeat(np.arange(len(counts)), counts)
    starts = _uint32(data, (offsets[:-1] - 4 * listed[:-1])[row] + 4 * np.arange(len(row)))
    ends = np.append(starts[1:], 0)
    last = listed[1:][counts > 0] - 1
    ends[last] = sizes[counts > 0]
    _require((starts <= ends) & (ends <= sizes[row]), row)
    return listed, gather(data, offsets[row] + starts, ends - starts)


def split_one(data: np.ndarray) -> tuple[np.ndarray, pa.LargeBinaryArray]:
    """Of one row that is not empty: its blobs lie side by side behind their starts, and need not be gathered."""
    first = int.from_bytes(data[:4].tobytes(), "little")
    _require(np.array([len(data) >= 4 and 0 < first <= len(data) and first % 4 == 0]), np.zeros(1, np.int64))
    bounds = np.append(data[:first].view("<u4").astype(np.int64), len(data))
    _require(np.array([not np.count_nonzero(bounds[1:] < bounds[:-1])]), np.zeros(1, np.int64))
    return np.array([0, len(bounds) - 1]), from_offsets(bounds - first, data[first:])


def parsed(stored: Stored) -> list[Value | None]:
    """Feast's own values of a column kept as messages, None where it is not valid."""
    pairs = zip(stored.values.to_pylist(), stored.valid.tolist(), strict=True)
    return [Value.FromString(raw) if valid else None for raw, valid in pairs]


def _uint32(data: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """int64: the uint32 that begin there; all lie within the data."""
    if not len(starts):
        return np.zeros(0, np.int64)
    return np.ascontiguousarray(windows_of(data, 4)[starts]).view("<u4")[:, 0].astype(np.int64)


def texts(values: pa.LargeBinaryArray, offsets: np.ndarray) -> pa.Array:
    """Text; offsets: [n + 1], where the values of each row begin."""
    try:
        return pc.cast(values, pa.string() if values.nbytes < 2**31 else pa.large_string())
    except pa.ArrowInvalid as error:
        wrong = next(at for at, value in enumerate(values.to_pylist()) if not _is_utf8(value))
        row = int(np.searchsorted(offsets, wrong, side="right")) - 1
        raise CorruptValue(f"text that is no UTF-8 ({error})", row) from error


def _is_utf8(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


def listed(kind: Kind, offsets: np.ndarray, found: pa.Array, absent: np.ndarray) -> pa.Array:
    if found.type == kind.arrow.value_type and offsets[-1] < 2**31:
        return _nulled(pa.ListArray.from_arrays(pa.array(offsets.astype(np.int32)), found), absent)
    return _nulled(pa.LargeListArray.from_arrays(pa.array(offsets), found).cast(kind.arrow), absent)


def _nulled(array: pa.Array, absent: np.ndarray) -> pa.Array:
    return pc.if_else(pa.array(absent), pa.scalar(None, array.type), array) if np.count_nonzero(absent) else array


def _objects(kind: Kind, stored: Stored) -> pa.Array:
    values = parsed(stored)
    if kind.feast is ValueType.JSON_LIST:  # Feast would parse each text
        return pa.array([None if value is None else list(value.json_list_val.val) for value in values], kind.arrow)
    objects = [None if value is None else _plain(feast_value_type_to_python_type(value)) for value in values]
    if kind.arrow is None:
        return _pairs(objects)
    try:
        return pa.array(objects, kind.arrow)
    except (pa.ArrowException, TypeError, ValueError):
        return pa.array(objects)


def _pairs(objects: list[dict | None]) -> pa.Array:
    pairs = [None if each is None else list(each.items()) for each in objects]
    keys = pa.array([key for each in pairs if each for key, _ in each])
    values = pa.array([value for each in pairs if each for _, value in each])
    return pa.array(pairs, pa.map_(keys.type if len(keys) else pa.string(), values.type))


def _plain(value: object) -> object:
    """Sets as lists and UUIDs as text, which Arrow takes."""
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, (list, set, frozenset)):
        return [_plain(each) for each in value]
    return (
        value
        if value is None or isinstance(value, (str, bytes, bool, int, float)) or hasattr(value, "utcoffset")
        else str(value)
    )


def _require(holds: np.ndarray, rows: np.ndarray) -> None:
    if np.count_nonzero(holds) < len(holds):
        raise CorruptValue("a list whose elements leave it", int(rows[(~holds).argmax()]))
