"""From the values of a request's keys to the answer: the matrix, the blocks, the columns and the rows' times."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from feast.protos.feast.serving.ServingService_pb2 import FieldStatus
from feast.types import from_feast_to_pyarrow_type

from streamrank.derived import Column, as_numbers, columnwise, transform
from streamrank.events.shards import NEVER
from streamrank.latest.digest import digests
from streamrank.stores.packing import age
from streamrank.stores.packing.heads import Heads, valid_of
from streamrank.stores.packing.layout import Layout
from streamrank.stores.reading.plan import DerivedView, Output, Plan, StoredView
from streamrank.stores.reading.rows import Distinct, Rows
from streamrank.windows.finishing import applied, finish, finish_columns
from streamrank.windows.reading import Heads as WindowHeads

PRESENT, NOT_FOUND, OUTSIDE_MAX_AGE = FieldStatus.PRESENT, FieldStatus.NOT_FOUND, FieldStatus.OUTSIDE_MAX_AGE


@dataclass(frozen=True)
class RowState:
    """Which row of a view was read for each row of the request.

    event_us, created_us: int64 [n], microseconds since 1970 UTC, 0 where there is none.
    status: uint8 [n] of Feast's FieldStatus: PRESENT, NOT_FOUND, or OUTSIDE_MAX_AGE where the view's TTL has passed, so
    that its features count as missing.
    """

    event_us: np.ndarray
    created_us: np.ndarray
    status: np.ndarray


@dataclass(frozen=True)
class Answered:
    """What was read of a view, by distinct key. numbers: float32 [keys, features], NaN where missing.

    heads: of rows, None of windows. expired: bool [keys], which of them are older than their view's TTL at `at_us`, or
    None where none is. values: of windows, as they were read, None of rows and where none are filled. acts: of rows of
    latest acts, as they were read.
    """

    view: StoredView
    distinct: Distinct
    numbers: np.ndarray
    columns: Mapping[str, pa.Array]
    heads: Heads | None = None
    expired: np.ndarray | None = None
    at_us: int = 0
    values: pa.LargeBinaryArray | None = None
    acts: pa.LargeBinaryArray | None = None

    def number(self, feature: str) -> np.ndarray:
        """float32 [rows]."""
        return self.over_rows[:, self.view.numbers.index(feature)]

    @cached_property
    def over_rows(self) -> np.ndarray:
        """float32 [rows, features]: `numbers` of each row, NaN where its key is null."""
        return self.distinct.over_rows(self.numbers, np.nan)

    def column(self, feature: str) -> pa.Array:
        """[rows] of the declared type."""
        return self.distinct.column_over_rows(self.columns[feature])

    def at(self, places: np.ndarray) -> "Answered":
        """Of some of the rows only."""
        return replace(self, distinct=self.distinct.at(places))

    def stored(self) -> pa.LargeBinaryArray:
        """Of windows, what is stored for each row [rows]."""
        return self.distinct.column_over_rows(self.values)

    def applied(self) -> np.ndarray:
        """int64 [rows, SHARDS], NEVER where a shard never touched the row's key."""
        if self.distinct.rows < self.distinct.keys:
            return applied(self.stored())
        return self.distinct.over_rows(applied(self.values), NEVER)

    def digests(self) -> np.ndarray:
        """int64 [rows], 0 where there is no row."""
        return self.distinct.over_rows(digests(self.acts), 0)

    def rows(self) -> RowState:
        over, heads = self.distinct.over_rows, self.heads
        event_us, created_us = heads.event_us, heads.created_us
        status = age.states(self.view.packed.ttl_us, heads.found, event_us, self.at_us)
        if self.expired is not None:
            gone = status == NOT_FOUND
            event_us, created_us = np.where(gone, 0, event_us), np.where(gone, 0, created_us)
        return RowState(over(event_us, 0), over(created_us, 0), over(status, NOT_FOUND))


def answered(
    view: StoredView, distinct: Distinct, values: pa.LargeBinaryArray, heads: Heads, ends: pa.LargeBinaryArray,
    layouts: Mapping[int, Layout], at_us: int,
) -> Answered:  # fmt: skip
    """The values [keys] of a view as they are at `at_us`. heads: theirs. ends: of their keys, for messages."""
    packed, keys = view.packed, partial(view.packed.with_prefix, ends)
    columns = packed.unpack(heads, view.exact, layouts, keys).columns if view.exact else {}
    if view.numbers:
        numbers, *_ = packed.matrix(heads, view.numbers, layouts, keys)
    else:
        numbers = np.empty((len(heads), 0), np.float32)
    expired = age.expired(packed.ttl_us, heads.found, heads.event_us, at_us)
    if expired is not None:
        numbers[expired] = np.nan
        absent = pa.array(expired)
        columns = {name: pc.if_else(absent, pa.scalar(None, column.type), column) for name, column in columns.items()}
    acts = values if view.windows else None
    return Answered(view, distinct, numbers, columns, heads, expired, at_us, acts=acts)


def finished(
    view: StoredView, distinct: Distinct, values: pa.LargeBinaryArray | None, heads: WindowHeads | None,
    ends: pa.LargeBinaryArray, at_us: int,
) -> Answered:  # fmt: skip
    """The windows [keys] of a view, finished at `at_us`; all are missing where none are filled. heads: of the values.
    ends: of their keys, null where there is none."""
    if values is None:
        numbers = np.full((len(ends), len(view.numbers)), np.nan, np.float32)
        return Answered(view, distinct, numbers, {name: _missing(view, name, len(ends)) for name in view.exact})
    window = view.windows.window
    numbers = finish(window, heads, view.numbers, at_us)
    columns = finish_columns(window, heads, view.exact, at_us) if view.exact else {}
    if ends.null_count:  # nobody has no key, so that none of its windows is empty: they are missing
        absent = ends.is_null()
        numbers[np.asarray(absent)] = np.nan
        columns = {name: pc.if_else(absent, pa.scalar(None, column.type), column) for name, column in columns.items()}
    return Answered(view, distinct, numbers, columns, values=values)


def _missing(view: StoredView, feature: str, keys: int) -> pa.Array:
    declared = {each.name: each.dtype for each in view.windows.window.features}
    return pa.nulls(keys, from_feast_to_pyarrow_type(declared[feature]))


def matrix_of(plan: Plan, read: Mapping[str, Answered], rows: int) -> np.ndarray:
    """float32 [rows, names] with the columns of stored features filled in."""
    matrix = np.empty((rows, len(plan.names)), np.float32)
    for label, places in plan.places.items():
        matrix[:, places] = read[label].over_rows[:, : plan.width[label]]
    return matrix


def derive(
    view: DerivedView, read: Mapping[str, Answered], rows: Rows, request: Mapping[str, pa.Array]
) -> dict[str, Column]:
    """The features of a derived view by name, as `streamrank.derived.transform` gives them."""
    columns: dict[str, Column] = {} if columnwise(view.view) else {name: rows.whole(name) for name in rows.columns}
    columns |= request
    for part in view.inputs:
        source = read[part.label]
        columns[part.name] = source.column(part.feature) if part.exact else source.number(part.feature)
    return transform(view.view, columns)


def place(
    output: Output, values: pa.Array, distinct: Distinct | None, blocks: dict[str, np.ndarray] | None,
    columns: dict[str, pa.Array],
) -> None:  # fmt: skip
    """Puts a feature that is no number among the blocks, unless they are None, or the columns.

    distinct: of `values`, None for all rows'.
    """
    block = block_of(output, values) if output.vector and blocks is not None else None
    if block is not None:
        blocks[output.name] = distinct.over_rows(block, np.nan) if distinct else block
    else:
        columns[output.name] = distinct.column_over_rows(values) if distinct else values


def block_of(output: Output, column: pa.Array) -> np.ndarray | None:
    """float32 [rows, length] of a column of number lists, NaN where a list is missing.

    The length is the declared one (`vector_length` of the Field), else that of all the lists there are; None where
    they differ. ValueError where one has not the declared length.
    """
    lengths = np.unique(np.asarray(pc.list_value_length(column).drop_null()))
    length = output.length or (int(lengths[0]) if len(lengths) else 0)
    if (lengths != length).any():
        if not output.length:
            return None
        raise ValueError(
            f"feature {output.label}:{output.feature}: expected vectors of the declared length {length}, found "
            f"{lengths.tolist()}; write vectors of that length, or declare another vector_length"
        )
    block = np.full((len(column), length), np.nan, np.float32)
    if length:
        block[valid_of(column)] = single(column.flatten()).reshape(-1, length)
    return block


def single(values: Column) -> np.ndarray:
    """float32 [n] of numbers, NaN where missing, infinite where too large."""
    if isinstance(values, np.ndarray) and values.dtype == np.float32:
        return values
    with np.errstate(over="ignore"):
        return as_numbers(values).astype(np.float32)
