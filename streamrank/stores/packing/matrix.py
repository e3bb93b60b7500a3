"""Packed rows as a float32 matrix: adjacent columns of one type are copied in one step, without looking at rows."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from streamrank.stores.packing.columns import Part, present
from streamrank.stores.packing.kinds import Kind
from streamrank.stores.packing.layout import Layout, strided

NUMERIC = ("Int32", "Int64", "Float32", "Float64", "Bool")


@dataclass(frozen=True)
class Run:
    """Columns that lie side by side in the rows and in the matrix. names: those whose nulls are not NaN already."""

    start: int
    count: int
    offset: int
    dtype: np.dtype
    names: tuple[str, ...]


def runs(layout: Layout, kinds: Sequence[tuple[str, Kind]]) -> tuple[Run, ...]:
    """How the columns asked for are copied from rows of this layout; those it lacks are left out."""
    found: list[Run] = []
    for at, (name, kind) in enumerate(kinds):
        if not layout.has(name, kind.name):
            continue
        offset, names = layout.offsets[name], () if kind.dtype.kind == "f" else (name,)
        last = found[-1] if found else None
        if (
            last and last.dtype == kind.dtype and last.start + last.count == at
            and last.offset + last.count * kind.width == offset
        ):  # fmt: skip
            found[-1] = Run(last.start, last.count + 1, last.offset, kind.dtype, last.names + names)
        else:
            found.append(Run(at, 1, offset, kind.dtype, names))
    return tuple(found)


def fill(matrix: np.ndarray, part: Part, copies: Sequence[Run]) -> None:
    """Copies a part's columns into its rows of a float32 matrix that is NaN where nothing is copied."""
    rows = slice(None) if part.rows is None else part.rows
    for run in copies:
        dtype = np.uint8 if run.dtype == np.bool_ else run.dtype
        block = strided(part.fixed, run.offset, dtype, run.count)
        if run.names:
            block = block.astype(np.float32)
            valid = np.stack([present(part, name) for name in run.names], axis=1)
            block[~valid] = np.nan
        with np.errstate(over="ignore"):
            matrix[rows, run.start : run.start + run.count] = block
