"""Values as their Fields declare them: what a feature is online, it is offline.

A column stays as wide as its source's, as Feast promises: a Float32 feature of a double column is a double column of
the very float32 values that are served.
"""

import pyarrow as pa
import pyarrow.compute as pc
from feast.types import Array, FeastType, PrimitiveFeastType, Set, from_feast_to_pyarrow_type

from streamrank.stores.history.errors import misfit

BYTES = (PrimitiveFeastType.BYTES, PrimitiveFeastType.IMAGE_BYTES, PrimitiveFeastType.PDF_BYTES)
LENIENT = (PrimitiveFeastType.MAP, PrimitiveFeastType.JSON, PrimitiveFeastType.SCALAR_MAP, PrimitiveFeastType.UUID,
           PrimitiveFeastType.TIME_UUID, PrimitiveFeastType.DECIMAL, PrimitiveFeastType.ZONED_TIMESTAMP)  # fmt: skip
REMEDY = "change the Field's dtype or the column"


def declared_type(feast_type: FeastType, found: pa.DataType) -> pa.DataType:
    """The Arrow type of a Field; what is `found` where Feast declares none or cannot hold it without loss."""
    target = _arrow(feast_type)
    if target is None or target == found:
        return found
    if _lenient(feast_type) and not (_castable(found, target) and not _own_zone(feast_type, found)):
        return found
    return target


def inferable(found: pa.DataType) -> pa.DataType:
    """`found` as Feast's inference of features knows it: it calls a list's element `item`, where Parquet may not."""
    return _with_leaf(found, _leaf(found))


def as_declared(column: pa.Array, feast_type: FeastType, where: str) -> pa.Array:
    """`column` in its Field's type. Floats are rounded to it; other values must fit, else HistoryError."""
    target = declared_type(feast_type, column.type)
    if column.type == target:
        return column
    if pa.types.is_null(column.type):
        return pa.nulls(len(column), target)
    try:
        return _cast(column, target)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError) as error:
        raise misfit(where, f"{feast_type} as declared", f"{column.type} ({error})", REMEDY) from error


def as_served(column: pa.Array, feast_type: FeastType, where: str) -> pa.Array:
    """`as_declared`, in the width of `column` where that is greater."""
    declared = as_declared(column, feast_type, where)
    wide, narrow = _leaf(column.type), _leaf(declared.type)
    numbers = (pa.types.is_floating, pa.types.is_signed_integer)
    if any(kind(wide) and kind(narrow) for kind in numbers) and wide.bit_width > narrow.bit_width:
        return declared.cast(_with_leaf(declared.type, wide))
    return declared


def _cast(column: pa.Array, target: pa.DataType) -> pa.Array:
    source, leaf = _leaf(column.type), _leaf(target)
    if pa.types.is_integer(source) and pa.types.is_timestamp(leaf):  # Feast counts a UnixTimestamp in seconds
        return column.cast(_with_leaf(column.type, pa.timestamp("s"))).cast(target)
    if pa.types.is_integer(source) and pa.types.is_boolean(leaf):
        column = column.cast(_with_leaf(column.type, pa.int64()))
        outside = pc.invert(pc.is_in(_elements(column), pa.array([0, 1, None], pa.int64())))
        if pc.any(outside).as_py():
            raise pa.ArrowInvalid("values other than 0 and 1")
    rounds = pa.types.is_integer(source) and pa.types.is_floating(leaf)
    return column.cast(options=pc.CastOptions(target, allow_time_truncate=True, allow_float_truncate=rounds))


def _arrow(feast_type: FeastType) -> pa.DataType | None:
    if feast_type in BYTES:
        return pa.binary()
    if isinstance(feast_type, Array | Set) and feast_type.base_type in BYTES:
        return pa.list_(pa.binary())
    try:
        return from_feast_to_pyarrow_type(feast_type)
    except ValueError:
        return None


def _lenient(feast_type: FeastType) -> bool:
    base = feast_type.base_type if isinstance(feast_type, Array | Set) else feast_type
    return base in LENIENT or not isinstance(base, PrimitiveFeastType)


def _own_zone(feast_type: FeastType, found: pa.DataType) -> bool:
    return feast_type == PrimitiveFeastType.ZONED_TIMESTAMP and not pa.types.is_timestamp(found)


def _castable(found: pa.DataType, target: pa.DataType) -> bool:
    try:
        pa.array([], found).cast(target)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError):
        return False
    return True


def _leaf(arrow: pa.DataType) -> pa.DataType:
    return _leaf(arrow.value_type) if _is_list(arrow) else arrow


def _with_leaf(arrow: pa.DataType, leaf: pa.DataType) -> pa.DataType:
    return pa.list_(_with_leaf(arrow.value_type, leaf)) if _is_list(arrow) else leaf


def _elements(column: pa.Array) -> pa.Array:
    return _elements(column.flatten()) if _is_list(column.type) else column


def _is_list(arrow: pa.DataType) -> bool:
    return pa.types.is_list(arrow) or pa.types.is_large_list(arrow)
