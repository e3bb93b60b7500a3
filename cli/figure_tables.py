"""Figures with their intervals as tables of 80 columns: what does not fit goes into a further table below."""

from collections.abc import Callable, Iterator, Sequence

from rich.console import Console
from rich.table import Table

WIDTH, GAP = 80, 2
Cell = Callable[[str, str], str]


def wide_enough() -> Console:
    """A console that is never told to cut what 80 columns hold; a narrower terminal breaks the lines itself."""
    return Console(width=max(WIDTH, Console().width))


def print_figures(console: Console, title: str, rows: Sequence[str], columns: Sequence[str], cell: Cell, bold: str = "",
                  dim: bool = False) -> None:  # fmt: skip
    """Prints a row for each of `rows`, and for each of `columns` what `cell` says of (row, column), whole at any width.

    A table has as many columns as fit; the others follow in tables of the same rows. bold: the row that stands out.
    """
    console.print(f"[bold]{title}[/bold]", highlight=False, soft_wrap=True)
    for part in _fitting(rows, columns, cell):
        table = Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0))
        table.add_column("", no_wrap=True)
        for column in part:
            table.add_column(column, justify="right", no_wrap=True)
        for row in rows:
            table.add_row(row, *(cell(row, column) for column in part), style="bold" if row == bold else None)
        console.print(table, style="dim" if dim else None)


def _fitting(rows: Sequence[str], columns: Sequence[str], cell: Cell) -> Iterator[list[str]]:
    """The columns in parts, each of which fits beside the names of the rows."""
    names = max((len(row) for row in rows), default=0) + GAP
    part, used = [], names
    for column in columns:
        width = GAP + max([len(column), *(_width(cell(row, column)) for row in rows)])
        if part and used + width > WIDTH:
            yield part
            part, used = [], names
        part.append(column)
        used += width
    yield part


def _width(cell: str) -> int:
    from rich.text import Text

    return max(len(line) for line in Text.from_markup(cell).plain.split("\n"))


def with_interval(value: dict | None, sign: bool = False) -> str:
    """The mean, and below it the interval; a dash for nothing measured."""
    if value is None or value["mean"] is None:
        return "-"
    shape = "+.3f" if sign else ".3f"
    low, high = (_short(f"{value[end]:{shape}}") for end in ("low", "high"))
    return f"{value['mean']:{shape}}\n[dim]{low} {high}[/dim]"


def _short(number: str) -> str:
    """`.123` for `0.123`; the zero of `10.123` stays."""
    sign = number[: number[0] in "+-"]
    whole = number[len(sign) :]
    return sign + (whole[1:] if whole.startswith("0.") else whole)
