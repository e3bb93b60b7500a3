"""Feast's rows of protobuf values as columns: of join keys in Arrow, of features as they are stored."""

from collections.abc import Sequence
from itertools import chain

import numpy as np
import pyarrow as pa
from feast.protos.feast.types.EntityKey_pb2 import EntityKey
from feast.protos.feast.types.Value_pb2 import Value

from streamrank.stores.packing.columns import Stored, from_offsets
from streamrank.stores.packing.errors import FieldMismatch
from streamrank.stores.packing.from_arrow import from_arrow, joined, messages
from streamrank.stores.packing.kinds import NO_INSTANT, Form, Kind

_SECOND = 1_000_000
_FARTHEST = (2**63 - 1) // _SECOND
_KEYS = {
    "int32_val": pa.int64(), "int64_val": pa.int64(), "unix_timestamp_val": pa.timestamp("us"),
    "string_val": pa.large_string(), "uuid_val": pa.large_string(), "time_uuid_val": pa.large_string(),
    "decimal_val": pa.large_string(), "bytes_val": pa.large_binary(),
}  # fmt: skip


def key_columns(keys: Sequence[EntityKey]) -> dict[str, pa.Array]:
    """The values of each join key as int64, timestamp[us], large_string or large_binary, null where there is none.

    FieldMismatch where rows have different join keys or a value keys no row.
    """
    names = list(keys[0].join_keys) if keys else []
    rows = [key.entity_values if key.join_keys == names else _ordered(names, key) for key in keys]
    if any(len(row) != len(names) for row in rows):
        raise FieldMismatch(f"expected a value for each join key of {names}, found a row with another number of values")
    return {name: key_column(name, [row[at] for row in rows]) for at, name in enumerate(names)}


def key_column(name: str, values: Sequence[Value]) -> pa.Array:
    """One join key as `key_columns` gives it."""
    which = [value.WhichOneof("val") for value in values]
    types = {_KEYS.get(each) for each in set(which) - {None, "null_val"}}
    if len(types) > 1 or None in types:
        found = sorted(set(which) - {None})
        raise FieldMismatch(f"join key {name!r}: expected integers, text, bytes or timestamps, found {found}")
    target = types.pop() if types else pa.large_string()
    raw = [getattr(value, each) if each in _KEYS else None for value, each in zip(values, which, strict=True)]
    if target == pa.timestamp("us"):
        raw = [None if each is None else each * _SECOND for each in raw]
    return pa.array(raw, target)


def from_protos(kind: Kind, values: Sequence[Value | None]) -> Stored:
    """The stored column of Feast's values, None or an empty one for null; FieldMismatch where they do not fit."""
    which = [None if value is None else value.WhichOneof("val") for value in values]
    found = set(which) - {None, "null_val"}
    if not found <= {kind.attribute}:
        return _cast(kind, values, which, found)
    valid = np.array([each == kind.attribute for each in which], np.bool_)
    if kind.form is Form.MESSAGE:
        return Stored(
            messages([value if there else Value() for value, there in zip(values, valid, strict=True)]), valid
        )
    raw = [getattr(value, kind.attribute) if there else None for value, there in zip(values, valid, strict=True)]
    if kind.form is Form.NUMBER:
        return _numbers(kind, raw, valid)
    if kind.form is Form.BLOB:
        blobs = [b"" if each is None else each.encode() if kind.is_text else each for each in raw]
        return Stored(pa.array(blobs, pa.large_binary()), valid)
    lists = [() if each is None else each.val for each in raw]
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(np.array([len(each) for each in lists], np.int64))])
    if kind.form is Form.BLOBS:
        blobs = [each.encode() if kind.is_text else each for each in chain.from_iterable(lists)]
        return Stored(joined(pa.array(blobs, pa.large_binary()), offsets), valid)
    flat = np.fromiter(chain.from_iterable(lists), np.int64 if kind.is_instant else kind.dtype, int(offsets[-1]))
    flat = _microseconds(kind, flat) if kind.is_instant else flat
    return Stored(from_offsets(offsets * kind.dtype.itemsize, flat.view(np.uint8)), valid)


def _numbers(kind: Kind, raw: list, valid: np.ndarray) -> Stored:
    filler = np.nan if kind.dtype.kind == "f" else 0
    values = np.array([filler if each is None else each for each in raw], kind.dtype)
    if kind.is_instant:
        valid = valid & (values != NO_INSTANT)
        values = np.where(valid, _microseconds(kind, values), 0)
    return Stored(values, valid)


def _microseconds(kind: Kind, seconds: np.ndarray) -> np.ndarray:
    real = seconds != NO_INSTANT
    if (np.abs(seconds[real]) > _FARTHEST).any():
        raise FieldMismatch(f"expected {kind.name}, found an instant beyond 64 bits of microseconds")
    return np.where(real, np.where(real, seconds, 0) * _SECOND, NO_INSTANT)


def _cast(kind: Kind, values: Sequence[Value | None], which: list[str | None], found: set[str]) -> Stored:
    """Values of another type than the declared one: a number may fit another number, little else does."""
    raw = [
        None if each in (None, "null_val") else getattr(value, each) for value, each in zip(values, which, strict=True)
    ]
    try:
        if kind.form is Form.MESSAGE:
            raise FieldMismatch("it is kept as Feast's own message")
        return from_arrow(kind, pa.array([list(each.val) if hasattr(each, "val") else each for each in raw]))
    except (pa.ArrowException, FieldMismatch, TypeError, ValueError) as error:
        row = next(at for at, each in enumerate(which) if each in found and each != kind.attribute)
        raise FieldMismatch(f"expected {kind.attribute}, found {which[row]} in row {row} ({error})") from error


def _ordered(names: list[str], key: EntityKey) -> list[Value]:
    values = dict(zip(key.join_keys, key.entity_values, strict=False))
    if sorted(values) != sorted(names):
        raise FieldMismatch(f"expected join keys {names}, found a row with {list(key.join_keys)}")
    return [values[name] for name in names]
