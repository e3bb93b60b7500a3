"""Users' profiles: what a users file says of them as words that people share, "gender:F", "age:25-31".

A text, a truth or a number of few values is itself; other numbers are put in bands of about equally many users. What
nearly every user has another value of, as ids and free text, is left out.
"""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from catalog.sql import query

COLUMNS = 32
VALUES = 50  # of a column of texts; more are names rather than kinds
FEW = 12  # values of a number that stand for themselves
BANDS = 8
SHARED = 2  # users a value, at least, on average
NONE = pa.table({"user_id": pa.array([], pa.string()), "user_profile": pa.array([], pa.list_(pa.string()))})


def profiles(users: Path) -> pa.Table:
    """user_id, user_profile (list of str, null where nothing is known), in the order of the file; none without one."""
    if not users.exists():
        return NONE
    known = [field for field in pq.read_schema(users) if field.name not in ("user_id", "topics")]
    rows = pq.read_table(users, columns=["user_id", *(field.name for field in known)])
    columns = [_words(rows[field.name].combine_chunks(), field.name) for field in known]
    columns = [column for column in columns if column is not None][:COLUMNS]
    if not columns:
        return rows.select(["user_id"]).append_column("user_profile", pa.nulls(len(rows), pa.list_(pa.string())))
    told = pa.table([rows["user_id"], *columns], ["user_id", *(f"c{place}" for place in range(len(columns)))])
    listed = ", ".join(f"c{place}" for place in range(len(columns)))
    known = f"nullif(list_filter([{listed}], lambda word: word IS NOT NULL), [])"
    return query(f"SELECT user_id, {known} AS user_profile FROM told", told=told)


def _words(values: pa.Array, name: str) -> pa.Array | None:
    """string [users], null where unknown; None for a column that tells nothing people share."""
    if pa.types.is_integer(values.type) or pa.types.is_floating(values.type):
        told = _numbers(values)
    elif pa.types.is_boolean(values.type) or pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
        told = values.cast(pa.string())
    else:
        return None
    different, known = len(pc.unique(told.drop_null())), len(told) - told.null_count
    if not 2 <= different <= VALUES or different * SHARED > known:
        return None
    return pc.binary_join_element_wise(name, told, ":")


def _numbers(values: pa.Array) -> pa.Array:
    """Each number, or the band of those that occur around it."""
    numbers = values.cast(pa.float64(), safe=False).fill_null(np.nan).to_numpy(zero_copy_only=False)
    known = np.isfinite(numbers)
    occur, times = np.unique(numbers[known], return_counts=True)
    if len(occur) <= FEW and len(occur) * SHARED <= known.sum():
        band = np.arange(len(occur))
    else:
        before = np.cumsum(times) - times
        band = np.unique(before * _bands(known.sum()) // max(known.sum(), 1), return_inverse=True)[1]
    names = np.array([_band(occur[band == place]) for place in range(band.max(initial=-1) + 1)], object)
    told = np.full(len(numbers), None, object)
    told[known] = names[band[np.searchsorted(occur, numbers[known])]] if len(occur) else None
    return pa.array(told, pa.string())


def _bands(users: int) -> int:
    return max(1, min(BANDS, users // SHARED))


def _band(numbers: np.ndarray) -> str:
    first, last = numbers.min(), numbers.max()
    return f"{first:.15g}" if first == last else f"{first:.15g}-{last:.15g}"
