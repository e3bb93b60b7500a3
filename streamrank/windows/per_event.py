"""Whether a source's SQL is per event: what it gives of an event depends on that event alone."""

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import duckdb
from feast import ValueType

from streamrank.events.log import DAY_COLUMN, EventLog
from streamrank.windows.errors import DeclarationError, refused

UNKNOWN = '"NULL"'  # DuckDB's type of what it knows nothing of
STAMPS = {"shard": "INTEGER", "log_position": "BIGINT"}
INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT")
REALS = ("FLOAT", "DOUBLE")
VALUE_TYPES = {
    "VARCHAR": ValueType.STRING, "DOUBLE": ValueType.DOUBLE, "FLOAT": ValueType.FLOAT, "BLOB": ValueType.BYTES,
    "TIMESTAMP WITH TIME ZONE": ValueType.UNIX_TIMESTAMP, "TIMESTAMP": ValueType.UNIX_TIMESTAMP,
}  # fmt: skip


class EventSql(Protocol):
    """A source as it is declared: see `PerEventSource`, which asks whether it holds."""

    name: str
    timestamp_field: str
    log: str
    sql: str
    columns: Mapping[str, str]


def checked(source: EventSql, where: str = "") -> dict[str, str]:
    """The columns that the SQL gives, in order, with DuckDB's types; `"NULL"` for a type that is not known yet.

    Raises DeclarationError with the remedy.
    """
    where = f"{where + ', ' if where else ''}source {source.name!r}, sql"
    with duckdb.connect(config={"threads": 1}) as connection:
        node = _one_select(connection, source.sql, where)
        _refuse_other_rows(node, where)
        _refuse_other_relations(node, where)
        _refuse_functions(node, where)
        given = _given(connection, source, node, where)
    _refuse_changed_stamps(node, source, given, where)
    return given


def value_type(kind: str) -> ValueType:
    """Feast's type of a DuckDB type; UNKNOWN where it has none."""
    return ValueType.INT64 if kind in INTEGERS else VALUE_TYPES.get(kind, ValueType.UNKNOWN)


def is_real(kind: str) -> bool:
    return kind in REALS or kind.startswith("DECIMAL")


def _one_select(connection: duckdb.DuckDBPyConnection, sql: str, where: str) -> dict[str, Any]:
    parsed = json.loads(connection.execute("SELECT json_serialize_sql(?)", [sql]).fetchall()[0][0])
    if parsed["error"]:
        raise refused(where, "a SELECT that parses", parsed["error_message"], f"correct it:\n{sql}")
    nodes = [statement["node"] for statement in parsed["statements"]]
    if len(nodes) != 1 or nodes[0]["type"] != "SELECT_NODE":
        raise refused(where, "one SELECT", f"{len(nodes)} statements" if len(nodes) != 1 else nodes[0]["type"],
                      "write one SELECT without UNION")  # fmt: skip
    return nodes[0]


def _refuse_other_rows(node: dict[str, Any], where: str) -> None:
    """Whatever looks at more than one event at a time."""
    found = [modifier["type"].removesuffix("_MODIFIER") for modifier in node["modifiers"]]
    found += [part.upper() for part in ("having", "qualify", "sample") if node[part]]
    found += ["GROUP BY"] if node["group_expressions"] or node["aggregate_handling"] != "STANDARD_HANDLING" else []
    found += ["WITH"] if node["cte_map"]["map"] else []
    kinds = {str(part.get("class") or part.get("type")) for part in _parts(node)}
    found += [kind for kind in ("WINDOW", "SUBQUERY") if kind in kinds]
    found += ["*"] if "STAR" in kinds else []
    if found:
        raise refused(
            where, "a SELECT that makes its rows of one event at a time", ", ".join(found),
            "leave it out: the aggregations of the view say what is counted; write columns out instead of *",
        )  # fmt: skip


def _refuse_other_relations(node: dict[str, Any], where: str) -> None:
    relations = list(_relations(node["from_table"]))
    names = [relation for relation in relations if relation != "unnest"]
    if names != ["events"]:
        raise refused(
            where, "FROM events (and unnest of its columns)", f"FROM {', '.join(relations)}",
            "what other tables hold may differ between a batch and the log; bring it in with the event",
        )  # fmt: skip


def _relations(table: dict[str, Any]) -> Iterator[str]:
    if table["type"] == "JOIN" and table["join_type"] == "INNER" and table["ref_type"] in ("CROSS", "REGULAR"):
        yield from _relations(table["left"])
        yield from _relations(table["right"])
    elif table["type"] == "BASE_TABLE" and not (table["sample"] or table["at_clause"] or table["schema_name"]):
        yield table["table_name"]
    elif table["type"] == "TABLE_FUNCTION" and not table["sample"]:
        yield table["function"]["function_name"]
    else:
        yield "nothing" if table["type"] == "EMPTY" else table["type"]


def _refuse_functions(node: dict[str, Any], where: str) -> None:
    used = {part["function_name"].lower() for part in _parts(node) if part.get("class") == "FUNCTION"}
    used |= {names[0].lower() for names in _references(node) if len(names) == 1} & CLOCK_WORDS
    if aggregates := sorted(used & _functions("function_type = 'aggregate'")):
        raise refused(where, "no aggregates", ", ".join(aggregates), "say it with the view's aggregations")
    unsteady = "stability IN ('VOLATILE', 'CONSISTENT_WITHIN_QUERY') AND function_name <> 'error'"
    if volatile := sorted(used & (_functions(unsteady) | CLOCK_WORDS)):
        raise refused(
            where, "functions of the event alone", ", ".join(volatile),
            "leave it out, since it would differ between a batch and the log",
        )  # fmt: skip


CLOCK_WORDS = frozenset({"current_date", "current_time", "current_timestamp", "localtime", "localtimestamp", "user",
                         "current_user", "session_user", "age", "getenv", "rowid", "filename", "file_row_number",
                         "file_index", DAY_COLUMN})  # fmt: skip


@lru_cache
def _functions(condition: str) -> frozenset[str]:
    with duckdb.connect() as connection:
        rows = connection.execute(f"SELECT DISTINCT function_name FROM duckdb_functions() WHERE {condition}").fetchall()
    return frozenset(name.lower() for (name,) in rows)


def _given(connection: duckdb.DuckDBPyConnection, source: EventSql, node: dict[str, Any], where: str) -> dict[str, str]:
    """The SQL's columns over events as declared, as in the log, or, where neither is there, of unknown types."""
    stamps = {source.timestamp_field: "TIMESTAMP WITH TIME ZONE", **STAMPS}
    connection.execute("SET TimeZone = 'UTC'")
    if known := source.columns or _logged(connection, source):
        return _described(connection, source.sql, stamps | known, where)
    given = _described(connection, source.sql, _guessed(node, UNKNOWN) | stamps, where)
    try:
        other = _described(connection, source.sql, _guessed(node, "DOUBLE") | stamps, where)
    except DeclarationError:
        other = {}
    return {name: kind if other.get(name) == kind else UNKNOWN for name, kind in given.items()}


def _guessed(node: dict[str, Any], kind: str) -> dict[str, str]:
    """All columns that are referred to, as of this type; unnested ones as lists of it."""
    lists = {names[-1]: f"{kind}[]" for names in _references(node["from_table"])}
    return {names[-1]: kind for names in _references(node)} | lists


def _described(
    connection: duckdb.DuckDBPyConnection, sql: str, columns: Mapping[str, str], where: str
) -> dict[str, str]:
    """The columns that `sql` gives over events of these columns."""
    empty = ", ".join(f"CAST(NULL AS {kind}) AS {json.dumps(name)}" for name, kind in columns.items())
    try:
        connection.execute(f"CREATE OR REPLACE VIEW events AS SELECT {empty}")
        described = connection.execute(f"DESCRIBE ({sql.strip().rstrip(';')}\n)").fetchall()
    except duckdb.Error as error:
        raise refused(where, f"a SELECT over the columns {sorted(columns)}", str(error), "correct it") from error
    names = [name for name, *_ in described]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise refused(where, "columns of different names", f"two named {twice}", "rename one with AS")
    return {name: kind for name, kind, *_ in described}


def _logged(connection: duckdb.DuckDBPyConnection, source: EventSql) -> dict[str, str]:
    """The columns of the log, none where there is no log yet."""
    files = EventLog(Path(source.log)).files()
    if not files:
        return {}
    rows = connection.execute("DESCRIBE SELECT * FROM read_parquet(?)", [files[:1]]).fetchall()
    return {name: kind for name, kind, *_ in rows}


def _refuse_changed_stamps(
    node: dict[str, Any], source: EventSql, given: Mapping[str, str], where: str
) -> None:  # fmt: skip
    for stamp in (source.timestamp_field, *STAMPS):
        own = [part for part in node["select_list"] if _output(part) == stamp]
        if stamp not in given or not own or own[0]["class"] != "COLUMN_REF" or own[0]["column_names"][-1] != stamp:
            raise refused(where, f"the column {stamp!r} of the event, unchanged", f"columns {list(given)}",
                          f"select {stamp}")  # fmt: skip


def _output(part: dict[str, Any]) -> str:
    return part["alias"] or (part["column_names"][-1] if part["class"] == "COLUMN_REF" else "")


def _references(node: Any) -> Iterator[list[str]]:
    return (part["column_names"] for part in _parts(node) if part.get("class") == "COLUMN_REF")


def _parts(node: Any) -> Iterator[dict[str, Any]]:
    """Every object of the syntax tree."""
    if isinstance(node, dict):
        yield node
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from _parts(child)
