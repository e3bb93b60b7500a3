"""`streamrank simulate`: a live service that does not exist, in real time on the bus, or as files."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from catalog.simulator.simulate import Plan

REAL = ("ml-100k", "kuairand")  # sources of data sets
SOME_EVENING = datetime(2026, 3, 2, 19)  # where files begin unless another time is asked for


def simulate(
    rate: Annotated[float, typer.Option(min=0.1, help="events a second")] = 2_000.0,
    seconds: Annotated[float, typer.Option(min=1, help="how long")] = 60.0,
    seed: Annotated[int, typer.Option(min=0, help="the same seed makes the same service")] = 1,
    users: Annotated[int, typer.Option(min=1)] = 10_000,
    creators: Annotated[int, typer.Option(min=1, help="each has a show about once a day")] = 1_000,
    titles: Annotated[int, typer.Option(min=0, help="on demand, always there")] = 200,
    spike: Annotated[
        bool, typer.Option("--spike", help="a celebrity: 20 times the traffic in the middle third")
    ] = False,
    late: Annotated[float, typer.Option(min=0, max=1, help="share of events that arrive late")] = 0.02,
    out: Annotated[Path | None, typer.Option(help="write files into this folder instead of publishing")] = None,
    start: Annotated[datetime, typer.Option(help="the first instant of files, UTC")] = SOME_EVENING,
    mix: Annotated[bool, typer.Option("--mix", help="publish into a data set of real events all the same")] = False,
) -> None:
    """Simulate a live service: creators go on air by the hour, users come, watch, like and leave by known preferences.

    Published in real time; with --out as events, items and users that `streamrank dataset files` loads.
    """
    from catalog.simulator.simulate import Plan, Spike
    from catalog.simulator.world import World
    from streamrank import clock

    plan = Plan(
        World(seed, users, creators, titles), rate, seconds, clock.microseconds(start),
        Spike(seconds / 3, seconds / 3) if spike else None, late,
    )  # fmt: skip
    _to_files(plan, out) if out else _live(plan, mix)


def _to_files(plan: "Plan", out: Path) -> None:
    from rich.console import Console
    from rich.progress import Progress

    from catalog.simulator.files import write_files

    with Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task("simulate", total=1.0)

        def report(share: float, events: int) -> None:
            progress.update(task, completed=share, description=f"simulate: {events:,} events")

        written = write_files(plan, out, report)
    options = " ".join(f"--{name} {out / name}.parquet" for name in ("events", "items", "users"))
    typer.echo(f"{written:,} events in {out}; load them: streamrank dataset files {options} --name simulated")


def _live(plan: "Plan", mix: bool) -> None:
    from dataclasses import replace

    from catalog.bus import open_bus
    from catalog.dataset import DataSet
    from catalog.errors import InputError
    from catalog.publishing import open_door
    from catalog.simulator.live import publish_live
    from streamrank import clock, embedded

    if not clock.is_wall():
        raise InputError("simulate: real time needs the wall clock; unset STREAMRANK_NOW, or write files with --out")
    data = DataSet.current()
    if (source := data.manifest().source) in REAL and not mix:
        raise InputError(
            f"data set {data.name!r} holds real events ({source}), among which simulated ones would stay: make another "
            f"with `streamrank simulate --out FOLDER` and `streamrank dataset files`, or say --mix"
        )
    embedded.ensure_redis()
    bus = open_bus()
    door = open_door(data, bus)
    world = replace(plan.world, integer_ids=bool(door.integer_ids))
    _ = world.liked, world.favourites  # drawn now, so that the first slice is not late
    plan = replace(plan, world=world, start_us=clock.now_us())
    last = _shown(plan, publish_live(bus, door, plan))
    if last:
        typer.echo(f"{last.taken:,} taken, {last.duplicates:,} duplicates, {last.refused:,} refused")


def _shown(plan: "Plan", moments):
    """The last moment; each shown on one line as it comes."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    from streamrank.clock import SECOND

    last = None
    with Progress(BarColumn(), TextColumn("{task.description}"), console=Console(stderr=True)) as progress:
        task = progress.add_task("simulate", total=plan.seconds)
        for last in moments:
            at = max((last.at_us - plan.start_us) / SECOND, 1e-3)
            full = f", bus full {last.waits:,} times" if last.waits else ""
            told = f"{at:,.0f} s, {last.taken / at:,.0f} events/s, {last.taken:,} taken{full}"
            behind = last.behind_us / SECOND
            progress.update(task, completed=at, description=told + (f", {behind:.1f} s behind" if behind > 0.5 else ""))
    return last
