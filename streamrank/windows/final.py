"""The last step from aggregates to a feature, the same online and offline: one division, then the declared type."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
from feast.types import from_feast_to_pyarrow_type

from streamrank.windows.slots import Feature, Slot


def final(feature: Feature, aggregates: Mapping[Slot, np.ndarray], scales: Mapping[str, int]) -> np.ndarray:
    """The feature's values [n]: int64 of a count or a sum of integers, else float64, NaN where missing.

    aggregates: of each of `feature.slots` an array [n]: counts and sums int64, the sums in steps of the column's
    scale; min, max and last float64, NaN where there is none. scales: steps a unit by column.
    """
    values = [aggregates[slot] for slot in feature.slots]
    steps = scales.get(feature.column, 1)
    if feature.function == "mean":
        total, count = (part.astype(np.float64) for part in values)
        return np.divide(total, count * steps, out=np.full(len(total), np.nan), where=count > 0)
    if feature.function == "sum" and feature.column in scales:
        return values[0].astype(np.float64) / steps
    return values[0]


def as_float32(values: np.ndarray) -> np.ndarray:
    """What a ranker is given, of a Field of any type: float32 [n] by way of float64."""
    with np.errstate(over="ignore"):
        return values.astype(np.float64, copy=False).astype(np.float32)


def as_declared(feature: Feature, values: np.ndarray) -> pa.Array:
    """An array of the Field's type, null where missing. Raises OverflowError where an integer does not fit it."""
    target = from_feast_to_pyarrow_type(feature.dtype)
    if values.dtype == np.int64 and pa.types.is_integer(target):
        return _whole(feature, pa.array(values), target)
    real = values.astype(np.float64, copy=False)
    missing = np.isnan(real)
    if pa.types.is_integer(target):
        return _whole(feature, pa.array(np.where(missing, 0, real), mask=missing), target)
    if pa.types.is_float32(target):
        real = as_float32(real)
    return pa.array(real, target, mask=missing)


def _whole(feature: Feature, values: pa.Array, target: pa.DataType) -> pa.Array:
    try:
        return values.cast(target)
    except pa.ArrowInvalid as error:
        raise OverflowError(
            f"feature {feature.name!r}: expected values of {feature.dtype}, found others ({error}); widen the Field"
        ) from error
