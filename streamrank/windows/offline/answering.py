"""A windowed view's features as of instants or of applied positions, as common table expressions of one statement."""

from collections.abc import Mapping

from streamrank.windows.offline.asked import Measure, measures_of
from streamrank.windows.offline.bests import best_tables
from streamrank.windows.offline.events import Events
from streamrank.windows.offline.features import feature_sql
from streamrank.windows.offline.totals import total_tables
from streamrank.windows.offline.unapplied import correction_tables
from streamrank.windows.rows import quoted
from streamrank.windows.slots import Feature
from streamrank.windows.spec import WindowedView


def at_times_tables(
    view: WindowedView, events: Events, instants: str, features: Mapping[str, Feature], name: str
) -> list[str]:
    """Tables of which the last, `name`, has g and `features` under their output names, in declared types.

    instants: a materialized relation of keys k0, ... (none null), t (microseconds) and a number g: each g once.
    """
    totals, bests = _measures(features)
    tables = total_tables(events, instants, totals, f"{name}_totals") if totals else []
    lookups = f"(SELECT *, t AS known FROM {instants})"
    found = best_tables(events, lookups, bests, f"{name}_best")
    columns = {measure: f"{name}_totals.m{place}" for place, measure in enumerate(totals)}
    parts = [f"{name}_totals"] if totals else []
    return [*tables, *_joined(view, instants, features, name, columns, parts, bests, found)]


def at_positions_tables(
    view: WindowedView, events: Events, instants: str, lookups: str, features: Mapping[str, Feature], name: str
) -> list[str]:
    """As `at_times_tables`, counting the events up to a position of each shard in place of those up to t.

    lookups: a materialized relation of keys, shard, t, known (the position) and g, a row for each shard of a key's.
    """
    totals, bests = _measures(features)
    tables, parts = [], []
    if totals:
        parts = [f"{name}_totals", f"{name}_more"]
        tables = total_tables(events, instants, totals, parts[0]) + correction_tables(events, lookups, totals, parts[1])
    found = best_tables(events, lookups, bests, f"{name}_best", by=("shard",))
    columns = {
        measure: f"({parts[0]}.m{place} + coalesce({parts[1]}.m{place}, 0))" for place, measure in enumerate(totals)
    }
    return [*tables, *_joined(view, instants, features, name, columns, parts, bests, found)]


def _measures(features: Mapping[str, Feature]) -> tuple[list[Measure], list[Measure]]:
    measures = list(dict.fromkeys(measure for feature in features.values() for measure in measures_of(feature)))
    return [one for one in measures if one.total], [one for one in measures if not one.total]


def _joined(
    view: WindowedView, instants: str, features: Mapping[str, Feature], name: str, columns: dict[Measure, str],
    parts: list[str], bests: list[Measure], found: list[tuple[str, list[str]]],
) -> list[str]:  # fmt: skip
    columns |= {measure: f"{own}.value" for measure, (own, _) in zip(bests, found, strict=True)}
    joins = "".join(f" LEFT JOIN {part} ON {part}.g = i.g" for part in [*parts, *(own for own, _ in found)])
    outputs = ", ".join(
        f"{feature_sql(feature, columns, view.scales)} AS {quoted(output)}" for output, feature in features.items()
    )
    tables = [table for _, tables in found for table in tables]
    return [*tables, f"{name} AS NOT MATERIALIZED (SELECT i.g, {outputs} FROM {instants} i{joins})"]
