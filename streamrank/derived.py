"""Derived features: Feast's on-demand views, run on whole columns, by the same function offline and online.

A view with the tags COLUMNWISE has a function from columns to columns:

    derived = OnDemandFeatureView(..., mode="python", tags=COLUMNWISE, udf=derive)

Its declared inputs reach it as columns [rows]: numeric and boolean ones as float64 arrays with NaN where missing (an
integer above 2^53 loses its last bits), all others as Arrow arrays of the declared type, null where missing. It returns
numpy arrays, NaN where missing, or Arrow arrays. Feast's own code calls the same function with lists and None, and
takes lists. A view without the tags is given what Feast would give it: lists, or a pandas frame.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from types import MappingProxyType

import numpy as np
import pyarrow as pa
from feast import OnDemandFeatureView
from feast.field import Field
from feast.types import Bool, FeastType, Float32, Float64, Int32, Int64, from_feast_to_pyarrow_type

TAG = "streamrank.columnwise"
COLUMNWISE = {TAG: "true"}
NUMBERS: frozenset[FeastType] = frozenset([Int32, Int64, Float32, Float64, Bool])

Column = pa.Array | pa.ChunkedArray | np.ndarray


class DerivedError(ValueError):
    """An input of a derived view is missing, or its function does not return what the view declares."""


def columnwise(view: OnDemandFeatureView) -> bool:
    """Whether the view's function takes columns."""
    return view.tags.get(TAG) == "true"


def transform(view: OnDemandFeatureView, columns: Mapping[str, Column]) -> dict[str, Column]:
    """Every feature that `view` declares, [rows].

    columns: [rows] each, the view's inputs as `feature` or `<view>__feature`, its request fields, and any others, which
    only views without the tags see. A numpy array has NaN where a value is missing. Returns Float32 features of a
    columnwise view as float32 arrays with NaN where missing, and all others as Arrow arrays of their declared type.
    Raises DerivedError.
    """
    known = _asked(view, columns)
    rows = len(next(iter(columns.values()), ()))
    if not rows:
        return {field.name: pa.nulls(0, kind) for field, _, kind in known.features}
    if not columnwise(view):
        return _as_feast_does(view, columns, rows)
    once = {found: _column(view, columns[found], *kinds, found) for found, kinds in known.inputs.items()}
    answer = _function(view)(MappingProxyType({name: once[found] for name, found in known.names.items()}))
    return {field.name: _declared(view, field, single, kind, answer, rows) for field, single, kind in known.features}


def transform_table(view: OnDemandFeatureView, table: pa.Table, full_feature_names: bool = False) -> pa.Table:
    """The view's features of `table`, as `view.transform_arrow` gives them: declared types, null where missing."""
    columns = {name: table[name].combine_chunks() for name in table.column_names}
    made = transform(view, columns)
    prefix = f"{view.projection.name_to_use()}__" if full_feature_names else ""
    return pa.table({f"{prefix}{name}": as_arrow(values) for name, values in made.items()})


def as_arrow(values: Column) -> pa.Array:
    """A column with null where a numpy array has NaN."""
    return pa.array(values, from_pandas=True) if isinstance(values, np.ndarray) else _whole(values)


def as_numbers(values: Column) -> np.ndarray:
    """float64 [rows] of a numeric or boolean column, NaN where missing."""
    if isinstance(values, np.ndarray):
        return values.astype(np.float64, copy=False)
    cast = _whole(values).cast(pa.float64(), safe=False)
    return np.asarray(cast.fill_null(np.nan) if cast.null_count else cast)


def request_fields(view: OnDemandFeatureView) -> dict[str, FeastType]:
    """What a request must bring for the view."""
    sources = view.source_request_sources.values()
    return {field.name: field.dtype for source in sources for field in source.schema}


def feature_inputs(view: OnDemandFeatureView) -> list[tuple[str, Field]]:
    """The stored features that the view reads, as (name of the feature view, field)."""
    sources = view.source_feature_view_projections.values()
    return [(source.name, field) for source in sources for field in source.features]


@dataclass(frozen=True)
class _Asked:
    """names: what the function calls its inputs -> the columns that hold them. inputs: the declared type of each of
    these, and its Arrow type, None of numbers. features: field, whether it is a Float32, Arrow type."""

    view: OnDemandFeatureView
    names: Mapping[str, str]
    inputs: Mapping[str, tuple[FeastType, pa.DataType | None]]
    features: tuple[tuple[Field, bool, pa.DataType], ...]


def _asked(view: OnDemandFeatureView, columns: Mapping[str, Column]) -> _Asked:
    """Found out once for each view and names of columns: hashing Feast's types costs more than a small function."""
    place = (id(view), *columns)
    known = _KNOWN.get(place)
    if known is None:
        if len(_KNOWN) > MOST_KNOWN:
            _KNOWN.clear()
        known = _KNOWN[place] = _found_out(view, _inputs(view, columns))
    return known


def _found_out(view: OnDemandFeatureView, inputs: Mapping[str, tuple[str, FeastType]]) -> _Asked:
    types = {
        found: (kind, None if kind in NUMBERS else from_feast_to_pyarrow_type(kind)) for found, kind in inputs.values()
    }
    features = [(each, each.dtype == Float32, from_feast_to_pyarrow_type(each.dtype)) for each in view.features]
    return _Asked(view, {name: found for name, (found, _) in inputs.items()}, types, tuple(features))


MOST_KNOWN = 1_000
_KNOWN: dict[tuple, _Asked] = {}  # holds the views too, whose identity is the key


def _inputs(view: OnDemandFeatureView, columns: Mapping[str, Column]) -> dict[str, tuple[str, FeastType]]:
    """Name for the function -> (name in `columns`, type); a feature has both its names, as Feast gives them."""
    asked = [((name,), kind) for name, kind in request_fields(view).items()]
    asked += [((f"{source}__{field.name}", field.name), field.dtype) for source, field in feature_inputs(view)]
    found = {}
    for names, kind in asked:
        there = next((name for name in names if name in columns), None)
        if there is None:
            raise DerivedError(
                f"on-demand view {view.name!r}: its input {names[-1]!r} is missing; found columns {sorted(columns)}"
            )
        found |= dict.fromkeys(names, (there, kind))
    return found


def _column(
    view: OnDemandFeatureView, values: Column, kind: FeastType, declared: pa.DataType | None, name: str
) -> np.ndarray | pa.Array:
    """declared: of `kind`, None of numbers."""
    try:
        if declared is None:
            return as_numbers(values)
        column = as_arrow(values)
        return column if column.type == declared else column.cast(declared)
    except pa.ArrowException as error:
        found = as_arrow(values).type
        raise DerivedError(
            f"on-demand view {view.name!r}, input {name!r}: expected {kind}, found {found}; convert the column"
        ) from error


def _declared(
    view: OnDemandFeatureView, field: Field, single: bool, kind: pa.DataType, answer: Mapping[str, Column], rows: int
) -> Column:
    values = _answered(view, field.name, answer, rows)
    if single and isinstance(values, np.ndarray):
        if values.dtype == np.float32:
            return values
        with np.errstate(over="ignore"):
            return values.astype(np.float32)
    return _cast(view, field, kind, values)


def _answered(view: OnDemandFeatureView, name: str, answer: Mapping[str, Column], rows: int) -> Column:
    if name not in answer:
        raise DerivedError(
            f"on-demand view {view.name!r} declares {name!r}, but its function returned {sorted(answer)}"
        )
    values = answer[name]
    if len(values) != rows:
        raise DerivedError(
            f"on-demand view {view.name!r}: expected {rows} values of {name!r}, its function gave {len(values)}"
        )
    return values


def _cast(view: OnDemandFeatureView, field: Field, declared: pa.DataType, values: Column | Sequence) -> pa.Array:
    try:
        if isinstance(values, pa.Array | pa.ChunkedArray):
            return _whole(values).cast(declared)
        if isinstance(values, np.ndarray):
            return pa.array(values, from_pandas=True).cast(declared)
        return pa.array(values, declared)
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise DerivedError(
            f"on-demand view {view.name!r}: its function's {field.name!r} is not of the declared {field.dtype}: {error}"
        ) from error


def _as_feast_does(view: OnDemandFeatureView, columns: Mapping[str, Column], rows: int) -> dict[str, Column]:
    if view.mode == "python":
        answer = _from_lists(view, {name: as_arrow(values).to_pylist() for name, values in columns.items()}, rows)
    else:
        made = view.transform_arrow(pa.table({name: as_arrow(values) for name, values in columns.items()}))
        answer = {name: made[name] for name in made.column_names}
    features = _asked(view, columns).features
    return {
        field.name: _cast(view, field, kind, _answered(view, field.name, answer, rows)) for field, _, kind in features
    }


def _from_lists(view: OnDemandFeatureView, lists: dict[str, list], rows: int) -> Mapping[str, Sequence]:
    if not view.singleton:
        return view.transform_dict(lists)
    each = [view.transform_dict({name: [values[row]] for name, values in lists.items()}) for row in range(rows)]
    return {name: [answer[name] for answer in each] for name in set(chain.from_iterable(each))}


def _function(view: OnDemandFeatureView):
    if view.mode != "python" or view.feature_transformation is None or view.singleton:
        raise DerivedError(f"on-demand view {view.name!r} has tag {TAG}: expected mode='python' and no singleton")
    return view.feature_transformation.udf


def _whole(values: pa.Array | pa.ChunkedArray) -> pa.Array:
    return values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
