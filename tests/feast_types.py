"""Every Feast type that holds a value, with a hypothesis strategy of its values in Python and their Arrow type."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime

import pyarrow as pa
from feast.types import (
    Array,
    Bool,
    Bytes,
    Decimal,
    FeastType,
    Float32,
    Float64,
    ImageBytes,
    Int32,
    Int64,
    Json,
    Map,
    PdfBytes,
    ScalarMap,
    Set,
    String,
    Struct,
    TimeUuid,
    UnixTimestamp,
    Uuid,
    ZonedTimestamp,
)  # fmt: skip
from hypothesis import strategies as st

INSTANT = pa.timestamp("us", tz="UTC")
_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
_BYTES = st.binary(min_size=1, max_size=8)  # Feast reads a column of nothing but empty bytes as nulls
_INT64 = st.integers(-(2**63), 2**63 - 1)
_INSTANTS = st.integers(-2_000_000_000, 9_000_000_000).map(lambda second: datetime.fromtimestamp(second, UTC))
_JSON = st.recursive(st.none() | st.booleans() | st.integers() | _TEXT, lambda deeper: st.lists(deeper, max_size=3))


@dataclass(frozen=True)
class Typed:
    """dtype: of a Field. values: of Python values that are not null. arrow: a type of Arrow that holds them."""

    dtype: FeastType
    values: st.SearchStrategy
    arrow: pa.DataType

    def __str__(self) -> str:
        return str(self.dtype)


SCALARS = [
    Typed(Int32, st.integers(-(2**31), 2**31 - 1), pa.int32()),
    Typed(Int64, _INT64, pa.int64()),
    Typed(Float32, st.floats(width=32, allow_nan=False), pa.float32()),
    Typed(Float64, st.floats(allow_nan=False), pa.float64()),
    Typed(Bool, st.booleans(), pa.bool_()),
    Typed(UnixTimestamp, _INSTANTS, INSTANT),
    Typed(String, _TEXT, pa.string()),
    Typed(Bytes, _BYTES, pa.binary()),
    Typed(Uuid, st.uuids().map(str), pa.string()),
    Typed(TimeUuid, st.uuids().map(str), pa.string()),
    Typed(Decimal, st.decimals(allow_nan=False, allow_infinity=False).map(str), pa.string()),
]
_ELEMENTS = [each for each in SCALARS if each.dtype != Bytes] + [Typed(Bytes, st.binary(max_size=4), pa.binary())]
_STRUCT = Struct({"a": Int64, "b": String})
_STRUCTS, _ARROW_STRUCT = st.fixed_dictionaries({"a": _INT64, "b": _TEXT}), _STRUCT.to_pyarrow_type()
_MAPS = st.dictionaries(_TEXT, _TEXT, max_size=3).map(lambda found: dict(sorted(found.items())))
_NESTED = st.lists(st.lists(_INT64, min_size=1, max_size=3), max_size=3)

TYPES = [
    *SCALARS,
    Typed(PdfBytes, _BYTES, pa.binary()),
    Typed(ImageBytes, _BYTES, pa.binary()),
    Typed(Json, _JSON.map(json.dumps), pa.large_string()),
    *(Typed(Array(each.dtype), st.lists(each.values, max_size=4), pa.list_(each.arrow)) for each in _ELEMENTS),
    *(Typed(Set(each.dtype), st.lists(each.values, max_size=4), pa.list_(each.arrow)) for each in _ELEMENTS),
    Typed(Array(Json), st.lists(_JSON.map(json.dumps), max_size=3), pa.list_(pa.large_string())),
    Typed(Map, _MAPS, pa.map_(pa.string(), pa.string())),
    Typed(Array(Map), st.lists(_MAPS, max_size=3), pa.list_(pa.map_(pa.string(), pa.string()))),
    Typed(_STRUCT, _STRUCTS, _ARROW_STRUCT),
    Typed(Array(_STRUCT), st.lists(_STRUCTS, max_size=3), pa.list_(_ARROW_STRUCT)),
    Typed(Array(Array(Int64)), _NESTED, pa.list_(pa.list_(pa.int64()))),
    Typed(Set(Array(Int64)), _NESTED, pa.list_(pa.list_(pa.int64()))),
    Typed(ScalarMap, st.dictionaries(_INT64, _TEXT, max_size=3), pa.map_(pa.int64(), pa.string())),
    Typed(ZonedTimestamp, _INSTANTS, INSTANT),
]


def arrow_array(typed: Typed, values: list) -> pa.Array:
    """`values`, None where null, as Arrow."""
    maps = pa.types.is_map(typed.arrow)
    return pa.array([list(each.items()) if maps and each is not None else each for each in values], typed.arrow)
