"""`streamrank audit`: whether what was served is what it is offline, to the bit."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer


def audit(
    since: Annotated[
        str | None, typer.Option(help="only requests from then on: an ISO time (UTC), or 30m, 12h, 7d ago")
    ] = None,
    sample: Annotated[float, typer.Option(min=0, max=1, help="share of requests, chosen by their id")] = 1.0,
    service: Annotated[str, typer.Option(help="the feature service that the ranker scores by")] = "ranker",
    html: Annotated[Path | None, typer.Option(help="where the page goes, else audit/audit.html")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print the result as JSON")] = False,
) -> None:
    """Recompute served values offline from what was recorded with them, and compare them bit by bit.

    Exits with 1 when a value is mismatched or missing.
    """
    import json

    from catalog.dataset import DataSet
    from pipelines.audit import run_audit
    from validation.audit.suite import require_equal

    data = DataSet.current()
    data.manifest()
    with _bar() as told:
        found = run_audit(data, since and _instant(since), sample, service, html, report=told)
    if as_json:
        typer.echo(json.dumps(found.as_json(), indent=1))
    else:
        _show(found, html or data.home / "audit" / "audit.html")
    require_equal(found)


def _instant(text: str) -> int:
    """Microseconds since 1970 UTC."""
    from datetime import datetime

    from streamrank import clock

    units = {"s": clock.SECOND, "m": 60 * clock.SECOND, "h": clock.HOUR, "d": clock.DAY}
    if text[:-1].isdigit() and text[-1] in units:
        return clock.now_us() - int(text[:-1]) * units[text[-1]]
    try:
        return clock.microseconds(datetime.fromisoformat(text))
    except ValueError as error:
        raise typer.BadParameter(
            f"expected an ISO time or 30m, 12h, 7d, found {text!r}", param_hint="--since"
        ) from error


@contextmanager
def _bar() -> Iterator[Callable[[int, int], None]]:
    """A bar on stderr; what it yields is told how much is done, of how much."""
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("audit", total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


def _show(found, page: Path) -> None:
    """The totals, by what values are made of, and the features that are not sound."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"{found.rows:,} rows of {found.requests:,} requests", title_justify="left", box=None)
    counted = ("compared", "equal", "nonzero", "mismatched", "missing", "in_flight")
    for name in ("", *counted, "stale"):
        table.add_column(name.replace("_", " "), justify="left" if not name else "right")
    kinds = {
        "rows": "from rows",
        "windows": "from windows",
        "acts": "latest acts",
        "derived": "derived",
        "unknown": "unknown",
    }
    for kind, words in kinds.items():
        own = [each for each in found.features.values() if each.kind == kind]
        if own:
            table.add_row(words, *(f"{sum(getattr(each, name) for each in own):,}" for name in counted), _share(own))
    table.add_row("all", *(f"{found.total(name):,}" for name in counted), _share(found.features.values()), style="bold")
    console = Console()
    console.print(table)
    typer.echo(f"in {found.seconds:.1f} s; by feature, with examples: {page}")


def _share(counts) -> str:
    asked = sum(each.asked for each in counts)
    return f"{sum(each.stale for each in counts) / asked:.2%}" if asked else "-"
