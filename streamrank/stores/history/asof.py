"""The value of a view at a time: one ASOF join over keys and times alone, then the values of the rows it chose.

A row's time is its event time e; among rows of equal key and e the one created last is looked up afterwards, since
sorting by both would cost more. Under the cutoff it is the time at which the row became known, max(e, c), and of the
rows known by then only the one with the greatest (e, c) can be the answer: a window over keys and times drops the
others before the join.
"""

from dataclasses import dataclass

from streamrank.stores.history.connecting import quoted, text
from streamrank.stores.history.errors import misfit
from streamrank.stores.history.parts import Feature, Part
from streamrank.stores.history.sources import Relation
from streamrank.stores.history.times import microseconds_sql

SHIFT = 2**64


@dataclass(frozen=True)
class Rows:
    """Entity rows in SQL: a relation with "__row" (0, 1, ...), "__time" (microseconds) and key columns."""

    sql: str
    types: dict[str, str]


def chosen_sql(part: Part, relation: Relation, rows: Rows, cutoff: bool) -> str:
    """SELECT of __row and __source, the number of the source's row that answers it; rows without one are left out."""
    tied = bool(part.source.created_timestamp_column) and not cutoff
    names = [f"k{place}" for place in range(len(part.keys))]
    given = "".join(f", {given_sql(part, relation, rows, place)} AS {name}" for place, name in enumerate(names))
    equal = "".join(f"l.{name} = r.{name} AND " for name in names)
    fresh = f" WHERE l.__time - r.e <= {part.ttl_us}" if part.ttl_us else ""
    candidates = _candidates(part, relation, cutoff)
    found = "".join(f"r.{name}, " for name in (*names, "e") if tied) + ("" if tied else "r.__source")
    matched = (
        f"SELECT l.__row, {found.removesuffix(', ')} FROM (SELECT __row, __time{given} FROM {rows.sql}) l "
        f"ASOF JOIN ({candidates}) r ON {equal}l.__time >= r.known{fresh}"
    )
    return _untied(matched, candidates, ", ".join([*names, "e"])) if tied else matched


def _untied(matched: str, candidates: str, columns: str) -> str:
    """Of the source's rows with a matched key and event time the one created last."""
    latest = (
        f"SELECT {columns}, arg_max(__source, coalesce(c, e)) AS __source "
        f"FROM ({candidates}) JOIN (SELECT DISTINCT {columns} FROM matched) USING ({columns}) GROUP BY {columns}"
    )
    return (
        f"WITH matched AS MATERIALIZED ({matched}) "
        f"SELECT matched.__row, latest.__source FROM matched JOIN ({latest}) latest USING ({columns})"
    )


def values_sql(part: Part, relation: Relation, chosen: str) -> str:
    """SELECT of __row and the features under their output names, for the rows of `chosen`."""
    features = ", ".join(f"{_value(part, relation, feature)} AS {quoted(feature.output)}" for feature in part.features)
    source = f"SELECT {relation.row} AS __source, * FROM {relation.sql}"
    return f"SELECT a.__row, {features} FROM ({source}) s JOIN {chosen} a ON s.__source = a.__source"


def reached_types(part: Part, relation: Relation) -> dict[str, str]:
    """DuckDB types of the features under their output names."""
    kinds = {feature: relation.types[column_of(part, relation, feature.name)] for feature in part.features}
    return {feature.output: kind.removesuffix("[]") if feature.first else kind for feature, kind in kinds.items()}


def _candidates(part: Part, relation: Relation, cutoff: bool) -> str:
    """The source's keys and times: k0, ..., e, known, __source."""
    keys = [f"k{place}" for place in range(len(part.keys))]
    columns = "".join(
        f"{quoted(column_of(part, relation, key.name))} AS {name}, " for key, name in zip(part.keys, keys, strict=True)
    )
    event, created = (
        time_sql(part, relation, name) if name else "NULL"
        for name in (part.source.timestamp_field, part.source.created_timestamp_column)
    )
    read = f"SELECT {columns}{event} AS e, {created} AS c, {relation.row} AS __source FROM {relation.sql}"
    if not part.source.created_timestamp_column or not cutoff:
        return f"SELECT *, e AS known FROM ({read})"
    ranked = f"SELECT *, e::HUGEINT * {SHIFT} + coalesce(c, e) AS rank FROM ({read})"
    partition = f"PARTITION BY {', '.join(keys)} " if keys else ""
    window = f"{partition}ORDER BY known RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW"
    known = f"SELECT * EXCLUDE (c), greatest(e, coalesce(c, e)) AS known FROM ({ranked}) WHERE e IS NOT NULL"
    return f"SELECT * FROM (SELECT *, max(rank) OVER ({window}) AS best FROM ({known})) WHERE rank = best"


def time_sql(part: Part, relation: Relation, name: str) -> str:
    """SQL of a BIGINT for one of the view's time columns."""
    column = column_of(part, relation, name)
    return microseconds_sql(column, relation.types[column], part.where(column))


def column_of(part: Part, relation: Relation, name: str) -> str:
    """The source's column for what the view calls `name`; HistoryError when it has none."""
    mapped = part.column(name)
    return relation.column(name if mapped not in relation.types and name in relation.types else mapped, part.where())


def _value(part: Part, relation: Relation, feature: Feature) -> str:
    column = column_of(part, relation, feature.name)
    return quoted(column) + ("[1]" if feature.first and relation.types[column].endswith("[]") else "")


def given_sql(part: Part, relation: Relation, rows: Rows, place: int) -> str:
    """The entity rows' key as the source's type, where that loses nothing; a value that would changed fails at run."""
    key = part.keys[place]
    column, found = quoted(key.given), rows.types[key.given]
    wanted = relation.types[column_of(part, relation, key.name)]
    if _family(found) == _family(wanted) or '"NULL"' in (found, wanted):
        return column
    where = f"{part.where(part.column(key.name))}, key {key.given!r} of the entity rows"
    if {_family(found), _family(wanted)} - {"whole", "number", "text"}:
        raise misfit(where, wanted, found, "give the key in the source's type")
    # 7.0, as pandas holds a whole number beside a null, is the text 7
    exact = f"try_cast({column} AS HUGEINT)" if (_family(found), _family(wanted)) == ("number", "text") else column
    cast = f"try_cast({exact} AS {wanted})"
    back = f"try_cast({cast} AS {found})"
    complaint = text(f"{where}: expected {wanted}, found {found} ")
    remedy = text("; give the key in the source's type")
    return (
        f"CASE WHEN {column} IS NOT DISTINCT FROM {back} THEN {cast} "
        f"ELSE error({complaint} || {column}::VARCHAR || {remedy})::{wanted} END"
    )


def _family(duckdb_type: str) -> str:
    if duckdb_type.removeprefix("U") in ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"):
        return "whole"
    if duckdb_type in ("FLOAT", "DOUBLE") or duckdb_type.startswith("DECIMAL"):
        return "number"
    if duckdb_type in ("VARCHAR", "UUID") or duckdb_type.startswith("ENUM"):
        return "text"
    return "time" if duckdb_type.startswith("TIMESTAMP") or duckdb_type == "DATE" else duckdb_type
