"""Stored columns to packed rows and back, a layout at a time.

A stored column is what a row holds of one feature: the numbers of a fixed-width type, or the bytes of any other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from streamrank.stores.packing.errors import CorruptValue, FieldMismatch
from streamrank.stores.packing.heads import Heads, heads_of, offsets_of, windows_of
from streamrank.stores.packing.kinds import Form, Kind
from streamrank.stores.packing.layout import HEADER, Layout, strided

_EMPTY = pa.scalar(b"", pa.large_binary())
_LONGEST = 2**29 - 1  # what a Redis value may hold


@dataclass(frozen=True)
class Stored:
    """One feature of n rows. values: numbers [n], or bytes as a LargeBinaryArray without nulls. valid: bool [n].

    Where not valid a float is NaN, another number 0 and bytes are empty.
    """

    values: np.ndarray | pa.LargeBinaryArray
    valid: np.ndarray


@dataclass(frozen=True)
class Part:
    """The rows of one layout. rows: their positions, None for all. fixed: uint8 [m, >= fixed_size], the start of each.

    data: the bytes of all values; starts, lengths: of each of the m values in it.
    """

    layout: Layout
    rows: np.ndarray | None
    fixed: np.ndarray
    data: np.ndarray
    starts: np.ndarray
    lengths: np.ndarray


def pack(
    layout: Layout, columns: Sequence[Stored], event_us: np.ndarray, created_us: np.ndarray
) -> pa.LargeBinaryArray:
    """The packed rows of `columns`, one for each feature of the layout in its order."""
    n = len(event_us)
    rows = np.zeros((n, layout.fixed_size), np.uint8)
    strided(rows, 0, "<u8")[:] = layout.id
    strided(rows, 8, "<i8")[:] = event_us
    strided(rows, 16, "<i8")[:] = created_us
    if columns:
        bits = np.packbits(np.stack([column.valid for column in columns], axis=1), axis=1, bitorder="little")
        rows[:, HEADER : HEADER + bits.shape[1]] = bits
    blobs = []
    for slot, column in zip(layout.fields, columns, strict=True):
        if isinstance(column.values, np.ndarray):
            strided(rows, layout.offsets[slot.name], column.values.dtype)[:] = column.values
        else:
            blobs.append(column.values)
    ends = np.zeros(n, np.int64)
    for at, blob in enumerate(blobs):
        ends += np.diff(offsets_of(blob))
        strided(rows, layout.ends_offset + 4 * at, "<u4")[:] = ends
    if n and ends.max() > _LONGEST:
        raise FieldMismatch(f"row {int(ends.argmax())} takes {ends.max()} bytes, expected at most {_LONGEST}")
    fixed = binary(rows)
    return pc.binary_join_element_wise(fixed, *blobs, _EMPTY) if blobs else fixed


def parts(heads: Heads, layouts: Mapping[int, Layout]) -> list[Part]:
    """The values by layout, nulls left out; CorruptValue where a value is too short or its layout is not among them."""
    _require_heads(heads)
    starts, lengths, ids, rows = heads.starts, heads.lengths, heads.ids, None
    if not heads.all:
        rows = np.flatnonzero(heads.found)
        starts, lengths, ids = starts[rows], lengths[rows], ids[rows]
    if not len(starts):
        return []
    known = ids[:1] if len(ids) == 1 or not np.count_nonzero(ids != ids[0]) else np.unique(ids)
    found = []
    for each in known:
        layout = layouts.get(int(each))
        chosen = None if len(known) == 1 else np.flatnonzero(ids == each)
        if layout is None:
            raise CorruptValue(f"unknown layout {int(each):016x}", _first(rows, ids == each))
        found.append(_part(layout, chosen, rows, heads.data, starts, lengths))
    return found


def layout_ids(values: pa.LargeBinaryArray) -> set[int]:
    """The ids of the values' layouts; CorruptValue where a value is too short to have one."""
    heads = heads_of(values)
    _require_heads(heads)
    return set(np.unique(heads.ids[heads.found]).tolist())


def masked(stored: Stored, shown: np.ndarray) -> Stored:
    """The column without the values where not `shown`, bool [n]."""
    valid = stored.valid & shown
    if isinstance(stored.values, np.ndarray) or shown.all():
        return Stored(stored.values, valid)
    return Stored(pc.if_else(pa.array(valid), stored.values, _EMPTY), valid)


def number(part: Part, name: str, dtype: np.dtype) -> Stored:
    """The fixed-width column of a part."""
    values = strided(part.fixed, part.layout.offsets[name], np.uint8 if dtype == np.bool_ else dtype)
    return Stored(values != 0 if dtype == np.bool_ else values, present(part, name))


def blob(part: Part, name: str) -> Stored:
    """The variable-width column of a part, its bytes copied out; CorruptValue where its ends leave the value."""
    layout, at = part.layout, part.layout.variable[name]
    ends = strided(part.fixed, layout.ends_offset + 4 * at, "<u4").astype(np.int64)
    begins = strided(part.fixed, layout.ends_offset + 4 * at - 4, "<u4").astype(np.int64) if at else np.zeros_like(ends)
    room = part.lengths - layout.fixed_size
    wrong = (begins > ends) | (ends > room)
    if at == len(layout.variable) - 1:
        wrong |= ends != room
    if np.count_nonzero(wrong):
        raise CorruptValue(f"offsets of {name!r} leave the value", _first(part.rows, wrong))
    starts = part.starts + layout.fixed_size + begins
    return Stored(gather(part.data, starts, ends - begins), present(part, name))


def assembled(
    kind: Kind, rows: Sequence[np.ndarray | None], pieces: Sequence[Stored], n: int
) -> tuple[Stored, np.ndarray]:
    """The pieces of one feature, at their `rows` among n, as one column; and bool [n], where there was a piece."""
    if pieces and rows[0] is None:
        return pieces[0], np.ones(n, np.bool_)
    valid, known = np.zeros(n, np.bool_), np.zeros(n, np.bool_)
    for at, piece in zip(rows, pieces, strict=True):
        valid[at], known[at] = piece.valid, True
    if kind.form is Form.NUMBER:
        values = np.full(n, np.nan if kind.dtype.kind == "f" else 0, kind.dtype)
        for at, piece in zip(rows, pieces, strict=True):
            values[at] = piece.values
        return Stored(values, valid), known
    if not pieces:
        return Stored(from_offsets(np.zeros(n + 1, np.int64), np.empty(0, np.uint8)), valid), known
    order = np.concatenate([np.empty(0, np.int64), *rows])
    source = np.full(n, len(order))
    source[order] = np.arange(len(order))
    chunks = [*(piece.values for piece in pieces), pa.array([b""], pa.large_binary())]
    return Stored(pa.concat_arrays(chunks).take(pa.array(source)), valid), known


def present(part: Part, name: str) -> np.ndarray:
    """bool [m]: where the feature is not null."""
    at = part.layout.positions[name]
    return (strided(part.fixed, HEADER + at // 8, np.uint8) & (1 << at % 8)) != 0


def gather(data: np.ndarray, starts: np.ndarray, lengths: np.ndarray) -> pa.LargeBinaryArray:
    """The slices data[start : start + length] as one array, without nulls."""
    offsets = np.zeros(len(starts) + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    if len(starts) == 1:  # one long row is a slice, not a window to be looked for
        return from_offsets(offsets, np.ascontiguousarray(data[starts[0] : starts[0] + lengths[0]]))
    size = int(lengths[0]) if len(lengths) and not np.count_nonzero(lengths != lengths[0]) else None
    if size:
        taken = windows_of(data, size)[starts]
    else:
        taken = data[np.repeat(starts - offsets[:-1], lengths) + np.arange(offsets[-1])]
    return from_offsets(offsets, np.ascontiguousarray(taken))


def binary(rows: np.ndarray) -> pa.LargeBinaryArray:
    """The rows of a uint8 [n, size] matrix as an array, without a copy where the matrix is contiguous."""
    return from_offsets(np.arange(len(rows) + 1, dtype=np.int64) * rows.shape[1], np.ascontiguousarray(rows))


def from_offsets(offsets: np.ndarray, data: np.ndarray) -> pa.LargeBinaryArray:
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(data)]
    return pa.Array.from_buffers(pa.large_binary(), len(offsets) - 1, buffers, null_count=0)


def _require_heads(heads: Heads) -> None:
    if heads.short and np.count_nonzero(short := heads.found & (heads.lengths < HEADER)):
        raise CorruptValue(f"{heads.lengths[short].min()} bytes, expected at least {HEADER}", int(short.argmax()))


def _part(
    layout: Layout, chosen: np.ndarray | None, rows: np.ndarray | None, data: np.ndarray, starts: np.ndarray,
    lengths: np.ndarray,
) -> Part:  # fmt: skip
    if chosen is not None:
        starts, lengths = starts[chosen], lengths[chosen]
        rows = chosen if rows is None else rows[chosen]
    size = layout.fixed_size
    wrong = lengths < size if layout.variable else lengths != size
    if np.count_nonzero(wrong):
        found = lengths[wrong.argmax()]
        expected = f"at least {size}" if layout.variable else str(size)
        raise CorruptValue(f"{found} bytes, expected {expected} for layout {layout.id:016x}", _first(rows, wrong))
    end = starts[-1] + size
    if chosen is None and end - starts[0] == size * len(starts):  # side by side
        fixed = data[starts[0] : end].reshape(len(starts), size)
    else:
        fixed = np.ascontiguousarray(windows_of(data, size)[starts])
    return Part(layout, rows, fixed, data, starts, lengths)


def _first(rows: np.ndarray | None, wrong: np.ndarray) -> int:
    at = int(wrong.argmax())
    return at if rows is None else int(rows[at])
