"""A file of events as what is offered to the door: tables of some thousands of rows, in the order of the file."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import pyarrow as pa
from pydantic_core import from_json

from catalog.objects import table_of
from catalog.tables import no_lines, read, require

ROWS = 10_000


@dataclass(frozen=True)
class Offer:
    """rows: events. first: place of the first of them in the file, from 0, unreadable lines not counted.

    unreadable: lines that have no event (line, reason). read: share of the file up to here, 0 to 1.
    """

    rows: pa.Table
    first: int
    unreadable: pa.Table
    read: float


def offers_of(file: Path) -> Iterator[Offer]:
    """The offers of a CSV or Parquet file, or one of JSON lines; InputError where it is none of these."""
    if file.is_file() and _begins_an_object(file):
        yield from _of_json_lines(file)
        return
    found = read(file)
    require(file, found.rows, ("user_id", "item_id"), ("event_time",))
    for start in range(0, max(1, len(found.rows)), ROWS):
        lines = found.unreadable if not start else no_lines()
        yield Offer(found.rows.slice(start, ROWS), start, lines, min(1.0, (start + ROWS) / max(1, len(found.rows))))


def _begins_an_object(file: Path) -> bool:
    with file.open("rb") as content:
        return content.read(1 << 10).lstrip().startswith(b"{")


def _of_json_lines(file: Path) -> Iterator[Offer]:
    size, number, seen, first = file.stat().st_size, 0, 0, 0
    with file.open("rb") as content:
        while lines := list(islice(content, ROWS)):
            seen += sum(map(len, lines))
            objects, bad = _objects(lines, number + 1)
            number += len(lines)
            yield Offer(table_of(objects), first, bad, seen / size)
            first += len(objects)


def _objects(lines: list[bytes], first: int) -> tuple[list[dict], pa.Table]:
    """(the objects, the lines that hold none). first: number of the first line."""
    try:
        objects = from_json(b"[" + b",".join(line for line in lines if line.strip()) + b"]", allow_inf_nan=False)
        if not set(map(type, objects)) - {dict}:
            return objects, no_lines()
    except ValueError:
        pass
    found = [(number, line, _object(line)) for number, line in enumerate(lines, first) if line.strip()]
    bad = [(number, line) for number, line, read in found if read is None]
    reasons = [f"unreadable line: line {number} is no JSON object" for number, _ in bad]
    table = pa.table({"line": [line.decode(errors="replace").rstrip() for _, line in bad], "reason": reasons})
    return [read for _, _, read in found if read is not None], table.cast(no_lines().schema)


def _object(line: bytes) -> dict | None:
    try:
        found = from_json(line, allow_inf_nan=False)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
