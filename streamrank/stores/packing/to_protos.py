"""Stored columns as Feast's feature vectors, written in protobuf's wire format by whole columns.

One protobuf object a value is what costs Feast most of a read. The numbers below are those of the wire format: a tag is
a field's number times 8 plus 0 (varint), 1 (64 bits), 2 (a length, then bytes) or 5 (32 bits). A varint may be longer
than it has to be, so that all of a column have one width.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from feast.protos.feast.serving.ServingService_pb2 import GetOnlineFeaturesResponse
from google.protobuf.message import DecodeError

from streamrank.stores.packing.columns import Stored, from_offsets
from streamrank.stores.packing.errors import CorruptValue
from streamrank.stores.packing.heads import data_of, offsets_of
from streamrank.stores.packing.kinds import NO_INSTANT, Form, Kind
from streamrank.stores.packing.to_arrow import elements, split

FeatureVector = GetOnlineFeaturesResponse.FeatureVector
_SECOND = 1_000_000
_VALUES, _STATUSES, _TIMES = b"\x0a", b"\x12", b"\x1a"  # fields 1, 2 and 3 of a feature vector
_LIST = b"\x0a"  # the field of Feast's lists and of their elements
_LENGTH = 5  # bytes of a length
_EMPTY = pa.scalar(b"", pa.large_binary())


def add_vector(
    response: GetOnlineFeaturesResponse, kind: Kind, stored: Stored, statuses: np.ndarray, times: bytes
) -> None:
    """Adds the vector of one feature to a response; statuses: uint8 [n]; times: what `time_bytes` gave.

    A value that is not valid is one that holds nothing. CorruptValue where bytes are no value of the kind.
    """
    try:
        encoded = _tagged(_STATUSES, len(statuses)) + statuses.tobytes() + times
        response.results.add().MergeFromString(value_bytes(kind, stored) + encoded)
    except DecodeError as error:
        raise CorruptValue(f"no {kind.name} ({error})", _culprit(kind, stored)) from error


def add_empty(response: GetOnlineFeaturesResponse, n: int, status: int, times: bytes) -> None:
    """Adds the vector of a feature that no row has."""
    encoded = (_VALUES + b"\0") * n + _tagged(_STATUSES, n) + bytes([status]) * n + times
    response.results.add().MergeFromString(encoded)


def values_of(kind: Kind, stored: Stored) -> list:
    """The column as Feast's Values, one a row, holding nothing where it is not valid."""
    try:
        return list(FeatureVector.FromString(value_bytes(kind, stored)).values)
    except DecodeError as error:
        raise CorruptValue(f"no {kind.name} ({error})", _culprit(kind, stored)) from error


def _culprit(kind: Kind, stored: Stored) -> int | None:
    """The first row whose bytes are no value of the kind, each tried alone."""
    for row in range(len(stored.valid)):
        try:
            FeatureVector.FromString(
                value_bytes(kind, Stored(stored.values[row : row + 1], stored.valid[row : row + 1]))
            )
        except DecodeError:
            return row
    return None


def value_bytes(kind: Kind, stored: Stored) -> bytes:
    """The values of a feature vector."""
    valid, wire = stored.valid, {"f": 5 if kind.width == 4 else 1}.get(kind.dtype.kind, 0) if kind.width else 2
    tag = _varint(kind.tag * 8 + wire)
    if kind.form is Form.NUMBER:
        body = _number(kind, stored.values)
        head = _VALUES + _varint(len(tag) + body.shape[1]) + tag
        whole = np.concatenate([np.broadcast_to(np.frombuffer(head, np.uint8), (len(body), len(head))), body], axis=1)
        return _without(whole, valid)[0].tobytes()
    if kind.form is Form.BLOB:
        return _framed([_VALUES, tag], stored.values, valid)
    if kind.form is Form.NUMBERS:
        return _framed([_VALUES, tag, _LIST], _raw(kind, stored), valid)
    if kind.form is Form.BLOBS:
        offsets, blobs = split(stored)
        framed = np.concatenate([np.zeros(1, np.int64), np.cumsum(np.diff(offsets_of(blobs)) + 1 + _LENGTH)])
        data = np.frombuffer(_framed([_LIST], blobs, np.ones(len(blobs), np.bool_)), np.uint8)
        return _framed([_VALUES, tag], from_offsets(framed[offsets], data), valid)
    return _framed([_VALUES], stored.values, valid)


def time_bytes(event_us: np.ndarray, shown: np.ndarray) -> bytes:
    """The event timestamps of a feature vector, int64 microseconds [n]; empty where not `shown`, bool [n]."""
    seconds, rest = np.divmod(event_us, _SECOND)
    whole = np.empty((len(event_us), 19), np.uint8)
    whole[:, :3] = np.frombuffer(_TIMES + b"\x11\x08", np.uint8)
    whole[:, 3:13] = _varints(seconds, 10)
    whole[:, 13] = 0x10
    whole[:, 14:] = _varints(rest * 1_000, 5)
    return _without(whole, shown)[0].tobytes()


def _number(kind: Kind, values: np.ndarray) -> np.ndarray:
    if kind.dtype.kind == "f":
        return np.ascontiguousarray(values, kind.dtype).view(np.uint8).reshape(len(values), kind.width)
    if kind.dtype == np.bool_:
        return values.astype(np.uint8)[:, None]
    return _varints(values // _SECOND if kind.is_instant else values, 10)


def _raw(kind: Kind, stored: Stored) -> pa.LargeBinaryArray:
    """The elements of lists as protobuf packs them."""
    if kind.dtype.kind == "f":
        return stored.values
    offsets, found = elements(kind, stored)
    if kind.dtype == np.bool_:
        return from_offsets(offsets, found.to_numpy(zero_copy_only=False).astype(np.uint8))
    whole = np.array(found.fill_null(0).to_numpy(zero_copy_only=False), np.int64)
    if kind.is_instant:
        whole = np.where(found.is_valid().to_numpy(zero_copy_only=False), whole // _SECOND, NO_INSTANT)
    return from_offsets(offsets * 10, np.ascontiguousarray(_varints(whole, 10)))


def _framed(tags: list[bytes], blobs: pa.LargeBinaryArray, valid: np.ndarray) -> bytes:
    """Blobs within nested fields, from the outermost to the innermost; an empty outermost one where not valid."""
    lengths = np.diff(offsets_of(blobs))
    size = sum(len(tag) + _LENGTH for tag in tags)
    head, at, left = np.empty((len(blobs), size), np.uint8), 0, size
    for tag in tags:
        head[:, at : at + len(tag)] = np.frombuffer(tag, np.uint8)
        at, left = at + len(tag) + _LENGTH, left - len(tag) - _LENGTH
        head[:, at - _LENGTH : at] = _varints(lengths + left, _LENGTH)
    kept, sizes = _without(head, valid)
    heads = from_offsets(np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)]), kept)
    whole = pc.binary_join_element_wise(heads, blobs, _EMPTY)
    offsets = offsets_of(whole)
    return data_of(whole)[offsets[0] : offsets[-1]].tobytes()


def _without(whole: np.ndarray, valid: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The bytes of `whole`, where not valid only a tag and the length 0; and how many of each row."""
    sizes = np.full(len(whole), whole.shape[1])
    if valid.all():
        return np.ascontiguousarray(whole).reshape(-1), sizes
    keep = np.ones(whole.shape, np.bool_)
    keep[~valid, 2:] = False
    whole[~valid, 1] = 0
    return whole[keep], np.where(valid, sizes, 2)


def _varints(values: np.ndarray, width: int) -> np.ndarray:
    """Varints of one width, uint8 [n, width]; 10 bytes hold any int64."""
    shifts = np.arange(width, dtype=np.uint64) * np.uint64(7)
    whole = (values.astype(np.int64).view(np.uint64)[:, None] >> shifts).astype(np.uint8)
    whole &= 0x7F
    whole[:, :-1] |= 0x80
    return whole


def _varint(value: int) -> bytes:
    rest = value >> 7
    return bytes([value & 0x7F | (0x80 if rest else 0)]) + (_varint(rest) if rest else b"")


def _tagged(tag: bytes, length: int) -> bytes:
    return tag + _varint(length)
