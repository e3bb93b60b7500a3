"""A list of one row read back, where going through whole columns would cost more than what the row says.

A request reads a dozen rows of its one user, each of a view of its own.
"""

import numpy as np
import pyarrow as pa

from streamrank.stores.packing.errors import CorruptValue
from streamrank.stores.packing.kinds import Form, Kind
from streamrank.stores.packing.layout import HEADER, Layout
from streamrank.stores.packing.to_arrow import listed, split_one, texts

ALL = np.zeros(1, np.bool_)  # what is absent of a row that has the list


def read_so(kind: Kind) -> bool:
    """Whether `list_of` reads columns of this kind: lists of numbers, of texts and of bytes."""
    if kind.arrow is None or kind.form not in (Form.NUMBERS, Form.BLOBS):
        return False
    return kind.form is Form.BLOBS or not (kind.is_instant or kind.dtype == np.bool_)


def list_of(kind: Kind, row: bytes, layout: Layout, name: str) -> pa.Array:
    """[1] of `kind.arrow`, as `to_arrow` gives it, and CorruptValue as there. row: of this layout, which has it."""
    body = _body(row, layout, name)
    place = layout.positions[name]
    if not row[HEADER + place // 8] & (1 << place % 8):
        return pa.nulls(1, kind.arrow)
    if kind.form is Form.NUMBERS:
        if len(body) % kind.dtype.itemsize:
            raise CorruptValue(f"a list of {kind.name} that ends within an element", 0)
        found = pa.array(np.frombuffer(body, kind.dtype), pa.from_numpy_dtype(kind.dtype))
        return listed(kind, np.array([0, len(found)]), found, ALL)
    offsets, blobs = split_one(np.frombuffer(body, np.uint8)) if body else (np.zeros(2, np.int64), _NOTHING)
    return listed(kind, offsets, texts(blobs, offsets) if kind.is_text else blobs, ALL)


_NOTHING = pa.array([], pa.large_binary())


def _body(row: bytes, layout: Layout, name: str) -> bytes:
    """The bytes of a variable-width column; CorruptValue where its ends leave the value."""
    at, ends = layout.variable[name], layout.ends_offset
    begin = int.from_bytes(row[ends + 4 * at - 4 : ends + 4 * at], "little") if at else 0
    end, room = int.from_bytes(row[ends + 4 * at : ends + 4 * at + 4], "little"), len(row) - layout.fixed_size
    if begin > end or end > room or (at == len(layout.variable) - 1 and end != room):
        raise CorruptValue(f"offsets of {name!r} leave the value", 0)
    return row[layout.fixed_size + begin : layout.fixed_size + end]
