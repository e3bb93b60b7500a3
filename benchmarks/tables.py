"""The figures of a bench as a table: a line a comparison, a column a side."""

from collections.abc import Iterator

from rich.box import HORIZONTALS
from rich.table import Table

from benchmarks.figures import Numbers

SIDES = ("ours", "stock", "limit")
READ_AS = "vs stock: stock / ours, times faster; vs limit: ours / limit, times slower"
SHOWN = {"seconds": "{:,.3g} s", "p50_ms": "p50 {:,.3g} ms", "p95_ms": "p95 {:,.3g} ms", "p99_ms": "p99 {:,.3g} ms",
         "rows_per_s": "{:,.0f} rows/s", "score_ms": "scores 200 in {:,.3g} ms",
         "keys_per_s": "{:,.0f} keys/s", "peak_mb": "{:,.0f} MB", "rps": "{:,.0f} requests/s",
         "events_per_s": "{:,.0f} events/s", "merges_per_s": "{:,.0f} merges/s"}  # fmt: skip


def table(figure: Numbers) -> Table:
    """A figure's JSON object as a Rich table, its variants as further lines."""
    shown = Table(
        title=f"{figure['bench']}: {_sizes(figure['size'])}",
        title_justify="left",
        show_lines=True,
        caption=READ_AS,
        box=HORIZONTALS,
        pad_edge=False,
    )
    shown.add_column(min_width=10)
    for name in (*SIDES, "vs stock", "vs limit", "agree"):
        shown.add_column(name, no_wrap=True)
    for name, comparison in comparisons("", figure):
        sides = [_told(comparison.get(side)) for side in SIDES]
        shown.add_row(name, *sides, _times(comparison, "vs_stock"), _times(comparison, "vs_limit"), _agree(comparison))
    return shown


def comparisons(name: str, figure: Numbers) -> Iterator[tuple[str, Numbers]]:
    """The figure under `name` and, one after the other, all that stand inside it under theirs."""
    if "ours" in figure:
        yield name, figure
    for part, inner in figure.items():
        if part in (*SIDES, "size"):
            continue
        if isinstance(inner, dict):
            yield from comparisons(f"{name} {part}".replace("_", " ").strip(), inner)
        elif isinstance(inner, list):
            yield from ((_sizes(row), {"ours": row, "agree": row.get("agree")}) for row in inner)


def _told(side: Numbers | None) -> str:
    if side is None:
        return "-"
    return "\n".join(form.format(side[name]) for name, form in SHOWN.items() if name in side)


def _times(comparison: Numbers, name: str) -> str:
    return f"{comparison[name]:,.2f}" if comparison.get(name) is not None else "-"


def _agree(comparison: Numbers) -> str:
    return {True: "yes", False: "[red]NO[/red]", None: "-"}[comparison.get("agree")]


def _sizes(size: Numbers) -> str:
    counts = {name: value for name, value in size.items() if isinstance(value, int) and not isinstance(value, bool)}
    return ", ".join(f"{value:,} {name.replace('_', ' ')}" for name, value in counts.items())
