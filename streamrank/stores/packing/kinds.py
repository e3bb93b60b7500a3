"""How a value of each Feast type lies in a packed row, and what it is called in Arrow and in Feast's protobufs."""

from dataclasses import dataclass
from enum import Enum

import numpy as np
import pyarrow as pa
from feast.protos.feast.types.Value_pb2 import Value
from feast.types import Array, FeastType, PrimitiveFeastType, from_feast_to_pyarrow_type
from feast.value_type import ValueType

INSTANT = pa.timestamp("us", tz="UTC")
NO_INSTANT = np.iinfo(np.int64).min  # Feast's null within a list of timestamps


class Form(Enum):
    """NUMBER: fixed width. BLOB: text or bytes. NUMBERS: raw elements. BLOBS: start offsets, then the elements' bytes.
    MESSAGE: a serialized Feast Value."""

    NUMBER = "number"
    BLOB = "blob"
    NUMBERS = "numbers"
    BLOBS = "blobs"
    MESSAGE = "message"


@dataclass(frozen=True, eq=False)
class Kind:
    """One object for each type, as `kind_of` gives it.

    name: the type as Feast writes it. feast: the value type of Feast's conversions. attribute: of Feast's Value.
    arrow: the declared Arrow type, None where Feast declares none (scalar maps). dtype: of a number or an element, None
    for the other forms.
    """

    name: str
    form: Form
    feast: ValueType
    attribute: str
    arrow: pa.DataType | None
    dtype: np.dtype | None = None

    @property
    def width(self) -> int:
        """Bytes in a packed row, 0 where they vary."""
        return self.dtype.itemsize if self.form is Form.NUMBER and self.dtype is not None else 0

    @property
    def tag(self) -> int:
        """The field number in Feast's Value."""
        return Value.DESCRIPTOR.fields_by_name[self.attribute].number

    @property
    def is_instant(self) -> bool:
        return self.feast in (ValueType.UNIX_TIMESTAMP, ValueType.UNIX_TIMESTAMP_LIST)

    @property
    def is_text(self) -> bool:
        """Whether a blob, or each of several, is text."""
        return not self.attribute.startswith("bytes")


_NUMBERS = {
    "INT32": (pa.int32(), "<i4"), "INT64": (pa.int64(), "<i8"), "FLOAT32": (pa.float32(), "<f4"),
    "FLOAT64": (pa.float64(), "<f8"), "BOOL": (pa.bool_(), "?"), "UNIX_TIMESTAMP": (INSTANT, "<i8"),
}  # fmt: skip
_BLOBS = {
    "STRING": pa.string(), "BYTES": pa.binary(), "PDF_BYTES": pa.binary(), "IMAGE_BYTES": pa.binary(),
    "JSON": pa.large_string(), "UUID": pa.string(), "TIME_UUID": pa.string(), "DECIMAL": pa.string(),
}  # fmt: skip
_ATTRIBUTES = {ValueType.PDF_BYTES: "bytes_val", ValueType.IMAGE_BYTES: "bytes_val", ValueType.VALUE_LIST: "list_val",
               ValueType.VALUE_SET: "set_val"}  # fmt: skip


def kind_of(dtype: FeastType) -> Kind:
    """The kind of a Feast type; TypeError for `Invalid`."""
    if dtype == PrimitiveFeastType.INVALID:
        raise TypeError("the type Invalid holds no value; give the Field a dtype")
    name = str(dtype)  # types are told apart by name, since Feast's nested ones equal each other
    if name not in _known:
        _known[name] = _kind(name, dtype)
    return _known[name]


_known: dict[str, Kind] = {}


def _kind(name: str, dtype: FeastType) -> Kind:
    feast = dtype.to_value_type()
    attribute = _ATTRIBUTES.get(feast, f"{feast.name.lower()}_val")
    element = dtype.base_type.name if isinstance(dtype, Array) and hasattr(dtype.base_type, "name") else None
    if isinstance(dtype, PrimitiveFeastType) and dtype.name in _NUMBERS:
        arrow, code = _NUMBERS[dtype.name]
        return Kind(name, Form.NUMBER, feast, attribute, arrow, np.dtype(code))
    if isinstance(dtype, PrimitiveFeastType) and dtype.name in _BLOBS:
        return Kind(name, Form.BLOB, feast, attribute, _BLOBS[dtype.name])
    if element in _NUMBERS:
        arrow, code = _NUMBERS[element]
        return Kind(name, Form.NUMBERS, feast, attribute, pa.list_(arrow), np.dtype(code))
    if element in _BLOBS and element != "JSON":
        return Kind(name, Form.BLOBS, feast, attribute, pa.list_(_BLOBS[element]))
    return Kind(name, Form.MESSAGE, feast, attribute, _declared(dtype))


def _declared(dtype: FeastType) -> pa.DataType | None:
    base = getattr(dtype, "base_type", None)
    if base == PrimitiveFeastType.BYTES:
        return pa.list_(pa.binary())
    try:
        return from_feast_to_pyarrow_type(dtype)
    except ValueError:
        return None
