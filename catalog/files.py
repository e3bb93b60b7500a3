"""The user's own data: a file of events and, where there are any, of items and of users, as Parquet or CSV."""

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from catalog.dataset import IdType, Manifest
from catalog.schema import EVENTS, ITEMS
from catalog.source import Source, fingerprint
from catalog.tables import Read, read, require
from validation.offered import INTEGER

STAMPED = ("shard", "log_position", "arrived_on")  # given by the log, so those of an export mean nothing here


def source(events: Path, items: Path | None = None, users: Path | None = None, name: str = "files") -> Source:
    """The data set in these files; InputError names the file, the column it lacks and the columns found."""
    tables = {"events": read(events)}
    require(events, tables["events"].rows, ("user_id", "item_id"), ("event_time",))
    for kind, file in (("items", items), ("users", users)):
        if file is not None:
            tables[kind] = read(file)
            require(file, tables[kind].rows, (f"{kind[:-1]}_id",))
    manifest = Manifest(
        name=name,
        source="files",
        item_ids=id_type("item_id", tables.values()),
        user_ids=id_type("user_id", tables.values()),
    )
    rows = {kind: table.rows for kind, table in tables.items()}
    unreadable = {kind: table.unreadable for kind, table in tables.items()}
    return Source(
        manifest,
        rows["events"],
        rows.get("items"),
        rows.get("users"),
        fingerprint([events], "files"),
        unreadable,
        _unused(events, rows["events"], EVENTS) + _unused(items, rows.get("items"), ITEMS),
    )


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
