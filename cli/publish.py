"""`streamrank publish` and `streamrank intake`: events onto the bus, from a file or over HTTP."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from catalog.offers import Offer
    from catalog.publishing import Door, Receipt
    from streamrank.events.bus import Bus

Patience = Annotated[float, typer.Option(min=0, help="seconds to go on trying while the bus is full")]


def publish(
    file: Annotated[Path, typer.Argument(help="events as CSV, Parquet or JSON lines")],
    patience: Patience = 60.0,
) -> None:
    """Publish a file of events, as `POST /events` would. Published again, it counts once within the bus's horizon.

    Exit code 1 when rows were refused; they are in quarantine with their reasons.
    """
    from catalog.bus import open_bus
    from catalog.dataset import DataSet
    from catalog.publishing import open_door
    from catalog.quarantine import ArrivingQuarantine
    from streamrank import embedded

    data = DataSet.current()
    data.manifest()
    embedded.ensure_redis()
    bus = open_bus()
    door = open_door(data, bus)
    quarantine = ArrivingQuarantine(data, most_rows=1 << 62)
    totals = _Totals()
    try:
        for receipt, unreadable in _published(file, bus, door, patience):
            totals.add(receipt, len(unreadable))
            quarantine.offer(receipt.refused)
            quarantine.offer(unreadable)
    finally:
        quarantine.flush(everything=True)
        totals.show(data.quarantine)
    if totals.refused:
        raise typer.Exit(1)


def intake(
    port: Annotated[int, typer.Option(min=1, max=65535)] = 3001,
    host: Annotated[str, typer.Option(help="0.0.0.0 takes events from other machines too")] = "127.0.0.1",
) -> None:
    """Take events over HTTP: `bentoml serve bentos.events.service:Events` in the checkout. Ctrl-C stops it."""
    from cli.serve import serve_bento

    serve_bento("bentos.events.service:Events", host, port)


def _published(file: Path, bus: "Bus", door: "Door", patience: float) -> "Iterator[tuple[Receipt, pa.Table]]":
    """What became of each part of the file, and the lines of it that hold no event, behind a progress bar."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    from catalog.offers import offers_of

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task, taken = progress.add_task("publish", total=1.0), 0
        for offer in offers_of(file):
            receipt = _patiently(bus, offer, door, patience)
            taken += receipt.taken
            progress.update(task, completed=offer.read, description=f"publish: {taken:,} taken")
            yield _counted_from(receipt, offer.first), offer.unreadable


def _counted_from(receipt: "Receipt", first: int) -> "Receipt":
    """The receipt with rows of the file instead of the part."""
    from dataclasses import replace

    import pyarrow.compute as pc

    bad = receipt.refused
    return replace(receipt, refused=bad.set_column(bad.schema.get_field_index("row"), "row", pc.add(bad["row"], first)))


def _patiently(bus: "Bus", offer: "Offer", door: "Door", patience: float) -> "Receipt":
    """Publishes, and again while the bus is full: what it took before counts once, and is counted as taken here."""
    import time
    from dataclasses import replace

    from catalog.publishing import publish
    from streamrank.events.bus import BusFull

    deadline, before = time.monotonic() + patience, 0
    while True:
        try:
            receipt = publish(bus, offer.rows, door)
            return replace(receipt, taken=receipt.taken + before, duplicates=receipt.duplicates - before)
        except BusFull as full:
            before += int(full.published.taken.sum())
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


class _Totals:
    """Counts over the parts of a file."""

    def __init__(self) -> None:
        self.taken = self.duplicates = self.refused = self.unknown_items = self.lines = 0
        self.reasons: dict[str, int] = {}
        self.ignored: dict[str, None] = {}

    def add(self, receipt: "Receipt", lines: int) -> None:
        from validation.events import counts_by_kind

        self.taken += receipt.taken
        self.duplicates += receipt.duplicates
        self.refused += len(receipt.refused) + lines
        self.unknown_items += receipt.unknown_items
        self.ignored |= dict.fromkeys(receipt.ignored)
        kinds = counts_by_kind(receipt.refused["reason"]) if len(receipt.refused) else {}
        for kind, rows in (kinds | ({"unreadable line": lines} if lines else {})).items():
            self.reasons[kind] = self.reasons.get(kind, 0) + rows

    def show(self, quarantine: Path) -> None:
        from rich.console import Console
        from rich.table import Table

        table = Table("", "events", box=None)
        table.columns[1].justify = "right"
        counts = {"taken": self.taken, "of unknown items": self.unknown_items, "duplicates": self.duplicates}
        reasons = {f"refused: {kind}": rows for kind, rows in sorted(self.reasons.items(), key=lambda each: -each[1])}
        for name, rows in (counts | {"refused": self.refused} | reasons).items():
            table.add_row(name, f"{rows:,}")
        console = Console()
        console.print(table)
        if self.ignored:
            console.print(f"nothing is made of these, which were left out: {', '.join(self.ignored)}", markup=False)
        if self.refused:
            console.print(f"refused rows, with their reasons: {quarantine}", soft_wrap=True, markup=False)
