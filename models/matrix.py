"""A table's features as the matrix that models take."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa


def matrix(rows: pa.Table, features: Sequence[str]) -> np.ndarray:
    """float32 [rows, features] in the order of `features`, NaN where missing; ValueError when a column is not there."""
    if lacking := [name for name in features if name not in rows.column_names]:
        raise ValueError(f"rows lack the features {', '.join(lacking)}; found {', '.join(rows.column_names)}")
    found = np.empty((rows.num_rows, len(features)), np.float32, order="F")
    for place, name in enumerate(features):
        found[:, place] = rows[name].cast(pa.float32()).to_numpy()
    return found
