"""From totals and best values to a feature: the arithmetic of `windows.final`, by DuckDB, equal to the bit."""

from collections.abc import Mapping

from streamrank.windows.offline.asked import Measure, measures_of
from streamrank.windows.slots import Feature

TYPES = {"INT64": "BIGINT", "INT32": "INTEGER", "FLOAT32": "FLOAT", "FLOAT64": "DOUBLE"}


def feature_sql(feature: Feature, columns: Mapping[Measure, str], scales: Mapping[str, int]) -> str:
    """SQL of the feature in its declared type, null where missing.

    columns: SQL of each of its measures; counts and sums BIGINT, the others DOUBLE or null.
    """
    return _declared(feature, _value(feature, [columns[measure] for measure in measures_of(feature)], scales))


def _value(feature: Feature, aggregates: list[str], scales: Mapping[str, int]) -> str:
    if feature.function == "mean":
        total, count = aggregates
        steps = scales.get(feature.column, 1)
        return f"CASE WHEN {count} > 0 THEN {total}::DOUBLE / ({count}::DOUBLE * {steps}::DOUBLE) END"
    if feature.function == "sum" and feature.column in scales:
        return f"{aggregates[0]}::DOUBLE / {scales[feature.column]}::DOUBLE"
    return aggregates[0]


def _declared(feature: Feature, value: str) -> str:
    kind = TYPES[feature.dtype.name]
    if kind != "FLOAT":
        return f"({value})::{kind}"
    real = f"({value})::DOUBLE"
    if feature.function in ("count", "sum", "mean"):
        return f"({real})::FLOAT"
    infinite = f"CASE WHEN {real} > 0 THEN 'inf'::FLOAT WHEN {real} < 0 THEN '-inf'::FLOAT END"
    return f"coalesce(try_cast({real} AS FLOAT), {infinite})"  # beyond float32's range, where a cast refuses
