"""A user's file as a table: Parquet with its own types, CSV with every value as text, for the door to cast."""

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.types as pt
from pyarrow import csv

from catalog.errors import InputError

MAGIC = b"PAR1"
SAMPLE = 64 * 1024


@dataclass(frozen=True)
class Read:
    """rows: the table. unreadable: lines of a CSV that have too many or too few values (line, reason)."""

    rows: pa.Table
    unreadable: pa.Table
    text: bool = False  # all values are text, so a type is what the values look like


def read(file: Path, delimiter: str = ",", quote: str | bool = '"') -> Read:
    """The rows of `file`, told apart by content and not by name; InputError where it is neither format or empty."""
    if not file.is_file():
        raise InputError(f"{file}: expected a Parquet or CSV file, found {'a folder' if file.is_dir() else 'nothing'}")
    with file.open("rb") as content:
        sample = content.read(SAMPLE)
    if not sample.strip():
        raise InputError(f"{file}: expected a Parquet or CSV file, found an empty one")
    found = _parquet(file) if sample.startswith(MAGIC) else _csv(file, sample, delimiter, quote)
    _refuse_repeated(file, found.rows.column_names)
    if not len(found.rows) and not len(found.unreadable):
        raise InputError(f"{file}: expected rows, found only the columns {', '.join(found.rows.column_names)}")
    return found


def require(file: Path, rows: pa.Table, *choices: tuple[str, ...], remedy: str = "") -> None:
    """InputError unless `rows` has at least one column of each of `choices`. remedy: what to do, where it is known."""
    lacking = [" or ".join(names) for names in choices if not set(names) & set(rows.column_names)]
    if lacking:
        raise InputError(f"{file}: lacks column {', '.join(lacking)}; found {', '.join(rows.column_names)}{remedy}")


def no_lines() -> pa.Table:
    return pa.table({"line": pa.array([], pa.string()), "reason": pa.array([], pa.string())})


def _parquet(file: Path) -> Read:
    try:
        rows = pq.read_table(file, partitioning=None)
        return Read(rows.cast(pa.schema([field.with_type(_usual(field.type)) for field in rows.schema])), no_lines())
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{file}: begins as a Parquet file but cannot be read: {_first_line(error)}") from error


def _usual(given: pa.DataType) -> pa.DataType:
    """The type itself, or the one that stands for it where Arrow or DuckDB cannot compute with it."""
    if pt.is_string_view(given) or pt.is_decimal256(given):
        return pa.string()
    if pt.is_list(given) or pt.is_large_list(given):
        return pa.list_(_usual(given.value_type)) if _usual(given.value_type) != given.value_type else given
    return given


def _csv(file: Path, sample: bytes, delimiter: str, quote: str | bool) -> Read:
    if b"\0" in sample:
        raise InputError(f"{file}: expected a Parquet or CSV file, found binary content of another kind")
    lines: list[csv.InvalidRow] = []
    parse = csv.ParseOptions(
        delimiter=delimiter,
        quote_char=quote,
        newlines_in_values=quote is not False,
        invalid_row_handler=lambda row: lines.append(row) or "skip",
    )
    try:
        # Without threads the handler is told line numbers.
        one_by_one = csv.ReadOptions(use_threads=False)
        with csv.open_csv(file, read_options=one_by_one, parse_options=parse) as head:
            names = head.schema.names
        lines.clear()
        text = csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=True, null_values=[""]
        )
        rows = csv.read_csv(file, read_options=one_by_one, parse_options=parse, convert_options=text)
    except (pa.ArrowException, UnicodeDecodeError) as error:
        raise InputError(f"{file}: expected a Parquet or CSV file, but as CSV: {_first_line(error)}") from error
    return Read(rows, _unreadable(lines), text=True)


def _unreadable(lines: list[csv.InvalidRow]) -> pa.Table:
    reasons = [
        f"unreadable line: row {line.number} has {line.actual_columns} values, expected {line.expected_columns}"
        for line in lines
    ]
    return pa.table(
        {"line": pa.array([line.text for line in lines], pa.string()), "reason": pa.array(reasons, pa.string())}
    )


def _refuse_repeated(file: Path, names: list[str]) -> None:
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise InputError(f"{file}: column {', '.join(repeated)} stands there more than once; found {', '.join(names)}")


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
