"""Whether two sides gave the same answer: every value, float32 by its bits; all missing values are one value."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


def same_columns(one: pa.Table, other: pa.Table, names: list[str], by: str) -> bool:
    """Whether the columns `names` are equal, row by row in the order of column `by`, whose values are unique."""
    if one.num_rows != other.num_rows:
        return False
    one, other = one.sort_by(by), other.sort_by(by)
    return one[by].equals(other[by]) and all(same(_floats(one[name]), _floats(other[name])) for name in names)


def same(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether float32 arrays of any shape are equal bit by bit, NaN standing for missing."""
    return one.shape == other.shape and bool(np.array_equal(_bits(one), _bits(other)))


def _bits(values: np.ndarray) -> np.ndarray:
    return np.where(np.isnan(values), np.float32("nan"), values.astype(np.float32, copy=False)).view(np.uint32)


def _floats(column: pa.ChunkedArray) -> np.ndarray:
    filled = pc.fill_null(pc.cast(column, pa.float32()), float("nan"))
    return filled.to_numpy()
