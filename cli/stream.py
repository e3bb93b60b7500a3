"""`streamrank stream` and `streamrank rebuild`: events from the bus into windows and log, and a view made anew."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import subprocess
    import threading


class Part(StrEnum):
    windows = "windows"
    log = "log"


def stream(
    workers: Annotated[int, typer.Option(min=1, help="processes that share the windows' work")] = 1,
    only: Annotated[Part | None, typer.Option(help="only the windows, or only the event log")] = None,
    metrics_port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="serve Prometheus metrics of this process")
    ] = None,
) -> None:
    """Bring events from the bus into the windows and the event log, until Ctrl-C. Any number may run at once."""
    import logging

    from prometheus_client import start_http_server

    from catalog.dataset import DataSet
    from streamrank import embedded

    logging.basicConfig(level=logging.WARNING, format="streamrank: %(message)s")
    data = DataSet.current()
    data.manifest()
    embedded.ensure_redis()
    if metrics_port:
        start_http_server(metrics_port)
    with _until_stopped() as stop, _others(workers - 1 if only != Part.log else 0):
        _run(data, only, stop)


def rebuild(view: Annotated[str, typer.Argument(help="the windowed view, such as item_live")]) -> None:
    """Make a windowed view anew from the event log and the bus, while events keep arriving, then have it read."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from catalog.dataset import DataSet
    from pipelines.streaming import rebuild_view
    from streamrank import embedded

    data = DataSet.current()
    embedded.ensure_redis()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(f"rebuild {view}", total=None)
        made = rebuild_view(data, view, lambda done, total: bar.update(task, completed=done, total=total))
    typer.echo(
        f"{view}: {made.logged:,} rows from the log and {made.streamed:,} events from the bus in {made.seconds:.1f} s; "
        f"generation {made.generation.id} is read now"
    )


def _run(data, only: Part | None, stop: "threading.Event") -> None:
    """The log writer in a thread, the worker in this one. What ends either ends both."""
    import threading

    from pipelines.streaming import open_log_writer, run_worker

    failures: list[BaseException] = []

    def write() -> None:
        try:
            open_log_writer(data).run(stop)
        except BaseException as failure:
            failures.append(failure)
            stop.set()

    writer = threading.Thread(target=write, name="log-writer")
    if only != Part.windows:
        writer.start()
    try:
        with _shown(stop):
            if only == Part.log:
                stop.wait()
            else:
                run_worker(data, stop)
    finally:
        stop.set()
        if writer.ident:
            writer.join()
    if failures:
        raise failures[0]


@contextmanager
def _until_stopped() -> "Iterator[threading.Event]":
    """An event that is set by Ctrl-C or a SIGTERM."""
    import signal
    import threading

    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    yield stop


@contextmanager
def _others(count: int) -> "Iterator[list[subprocess.Popen]]":
    """Further workers in processes of their own, ended with this one."""
    import subprocess
    import sys

    command = [sys.executable, "-m", "cli.main", "stream", "--only", Part.windows]
    others = [subprocess.Popen(command, stdin=subprocess.DEVNULL) for _ in range(count)]
    try:
        yield others
    finally:
        for other in others:
            other.terminate()
        for other in others:
            other.wait()


@contextmanager
def _shown(stop: "threading.Event") -> Iterator[None]:
    """A line on stderr, renewed every second on a terminal: events a second, keys merged, and how old they were."""
    import sys
    import threading

    from rich.console import Console
    from rich.live import Live

    if not sys.stderr.isatty():
        typer.echo("streaming; SIGTERM or Ctrl-C ends it", err=True)
        yield
        return
    with Live(console=Console(stderr=True), transient=True, auto_refresh=False) as live:
        threading.Thread(target=_show, args=(live, stop), daemon=True).start()
        yield


def _show(live, stop: "threading.Event") -> None:
    from streamrank.stream import metrics

    before = metrics.counts()
    while not stop.wait(1.0):
        now = metrics.counts()
        live.update(
            f"{now.events - before.events:>9,.0f} events/s   {now.merges - before.merges:>9,.0f} merges/s   "
            f"lag {now.lag_seconds * 1e3:,.0f} ms   {now.events:,.0f} events in all",
            refresh=True,
        )
        before = now
