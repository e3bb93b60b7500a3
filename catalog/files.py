"""The user's own data: a file of events and, where there are any, of items and of users, as Parquet or CSV."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from catalog.dataset import IdType, Manifest
from catalog.errors import InputError
from catalog.ratings import Scale, brought_to_five, told
from catalog.schema import EVENTS, ITEMS
from catalog.source import Source, fingerprint
from catalog.tables import Read, read, require
from validation.offered import INTEGER

EARLIEST = 10_000_000  # seconds: 26 April 1970
ORDER = "event times are numbers that only tell what came first: each is kept as so many seconds since 1970"
OTHERWISE = "; what the file calls otherwise is told by --column NAME=ITS_COLUMN, such as user_id=userId"
STAMPED = ("shard", "log_position", "arrived_on")  # given by the log, so those of an export mean nothing here


@dataclass(frozen=True)
class Rules:
    """What the user says of the data set, None for what the data shows. See `Manifest`.

    columns: the layout's name of a column -> the file's, for files that call it otherwise. ratings: the scale that
    ratings are on, None for 1 to 5.
    """

    repeats: bool | None = None
    on_air_hours: float | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    ratings: Scale | None = None


def source(
    events: Path, items: Path | None = None, users: Path | None = None, name: str = "files", rules: Rules = Rules()
) -> Source:
    """The data set in these files; InputError names the file, the column it lacks and the columns found.

    Event times that are whole numbers too small for instants since 1970 are taken for an order: see `ordered`.
    """
    tables = {"events": named(events, read(events), rules.columns)}
    require(events, tables["events"].rows, ("user_id", "item_id"), ("event_time",), remedy=OTHERWISE)
    for kind, file in (("items", items), ("users", users)):
        if file is not None:
            tables[kind] = named(file, read(file), rules.columns)
            require(file, tables[kind].rows, (f"{kind[:-1]}_id",), remedy=OTHERWISE)
    _refuse_columns_of_no_file(rules.columns, tables)
    order = only_an_order(tables["events"])
    manifest = Manifest(
        name=name,
        source="files",
        times="order" if order else "instants",
        repeats=rules.repeats,
        on_air_hours=rules.on_air_hours,
        item_ids=id_type("item_id", tables.values()),
        user_ids=id_type("user_id", tables.values()),
    )
    rows = {kind: table.rows for kind, table in tables.items()}
    if order:
        rows["events"] = ordered(rows["events"])
    liked = told(rows["events"], rules.ratings)
    if rules.ratings:
        rows["events"] = brought_to_five(events, rows["events"], rules.ratings)
    unreadable = {kind: table.unreadable for kind, table in tables.items()}
    return Source(
        manifest,
        rows["events"],
        rows.get("items"),
        rows.get("users"),
        fingerprint([events], "files", *_choices(rules)),
        unreadable,
        (ORDER,) * order + liked + _unused(events, rows["events"], EVENTS) + _unused(items, rows.get("items"), ITEMS),
    )


def _choices(rules: Rules) -> list[str]:
    """What makes other events of the same file."""
    columns = [f"{name}={column}" for name, column in sorted(rules.columns.items())]
    return columns + ([f"ratings={rules.ratings.low:g}-{rules.ratings.high:g}"] if rules.ratings else [])


def named(file: Path, table: Read, columns: Mapping[str, str]) -> Read:
    """The table with the layout's names for the columns that `columns` lists and the file has."""
    names = {found: name for name, found in columns.items() if found in table.rows.column_names}
    for found, name in names.items():
        if len(both := [other for other, column in columns.items() if column == found]) > 1:
            raise InputError(
                f"{file}: --column gives {found} the names {', '.join(both)}; expected one, such as {name}"
            )
    kept = [names.get(column, column) for column in table.rows.column_names]
    if clash := sorted({name for name in kept if kept.count(name) > 1}):
        raise InputError(f"{file}: has a column {', '.join(clash)} already; leave it out of --column")
    return replace(table, rows=table.rows.rename_columns(kept))


def _refuse_columns_of_no_file(columns: Mapping[str, str], tables: Mapping[str, Read]) -> None:
    for name, column in columns.items():
        if not any(name in table.rows.column_names for table in tables.values()):
            found = "; ".join(f"{kind}: {', '.join(table.rows.column_names)}" for kind, table in tables.items())
            raise InputError(f"--column {name}={column}: expected a column {column} in a file, found {found}")


def only_an_order(table: Read) -> bool:
    """Whether event times are whole numbers from 0 to below EARLIEST: nobody's events are from the spring of 1970."""
    times = table.rows["event_time"]
    if table.text:
        if not pc.all(pc.match_substring_regex(pc.utf8_trim_whitespace(times), INTEGER), min_count=0).as_py():
            return False
        times = pc.utf8_trim_whitespace(times).cast(pa.int64())
    if not pt.is_integer(times.type) or times.null_count == len(times):
        return False
    ends = pc.min_max(times).as_py()
    return ends["min"] >= 0 and ends["max"] < EARLIEST


def ordered(rows: pa.Table) -> pa.Table:
    """The events with each number as so many seconds since 1970."""
    text = pt.is_string(rows["event_time"].type)
    steps = (pc.utf8_trim_whitespace(rows["event_time"]) if text else rows["event_time"]).cast(pa.int64())
    place = rows.column_names.index("event_time")
    return rows.set_column(place, "event_time", steps.cast(pa.timestamp("s", "UTC")))


def id_type(column: str, tables: "list[Read]") -> IdType:
    """ "integer" when every id in `column` of the tables is one, in type or, in a CSV, in looks (7, not 007)."""
    found = [_integers(table.rows[column], table.text) for table in tables if column in table.rows.column_names]
    return "integer" if all(found) else "string"


def _integers(ids: pa.ChunkedArray, text: bool) -> bool:
    if text:
        looks = pc.match_substring_regex(pc.utf8_trim_whitespace(ids), INTEGER)
        return bool(pc.all(looks, min_count=0).as_py())
    if pt.is_floating(ids.type):  # a missing value makes integers floating
        return bool(pc.all(pc.equal(ids, pc.trunc(ids)), min_count=0).as_py())
    return pt.is_integer(ids.type) or pt.is_null(ids.type)


def _unused(file: Path | None, rows: pa.Table | None, layout: pa.Schema) -> tuple[str, ...]:
    """The note that names the columns of `rows` which the layout has no place for, where there are any."""
    unused = [name for name in rows.column_names if name not in (*layout.names, *STAMPED)] if rows is not None else []
    return (f"{file}: columns not in the layout were left out: {', '.join(unused)}",) if unused else ()
