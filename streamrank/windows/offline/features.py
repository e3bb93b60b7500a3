"""From totals and best values to a feature: the arithmetic of `windows.finishing`, in DuckDB, equal to the bit."""

from collections.abc import Mapping

from streamrank.windows.offline.asked import Measure, measures_of
from streamrank.windows.slots import Feature
from streamrank.windows.spec import WindowedView

TYPES = {"INT64": "BIGINT", "INT32": "INTEGER", "FLOAT32": "FLOAT", "FLOAT64": "DOUBLE"}


def feature_sql(view: WindowedView, feature: Feature, columns: Mapping[Measure, str]) -> str:
    """SQL of a feature in its declared type, null where missing; `columns` has its measures' SQL."""
    first, *count = [columns[measure] for measure in measures_of(feature)]
    value = first
    if feature.function in ("sum", "mean") and feature.column in view.scales:
        value = f"({first}::DOUBLE / {view.scales[feature.column]}::DOUBLE)"
    if feature.function == "mean":
        value = f"(CASE WHEN {count[0]} > 0 THEN {value}::DOUBLE / {count[0]}::DOUBLE END)"
    if feature.function == "sum":
        value = f"({value}::DOUBLE)" if feature.dtype.name.startswith("FLOAT") else value
    return f"{value}::{TYPES[feature.dtype.name]}"
