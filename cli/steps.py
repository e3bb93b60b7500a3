"""What a command shows while it works, on stderr, and its result as JSON, on stdout."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout

import typer

WITH_A_BAR = ("ask for features",)


@contextmanager
def steps(total: int | None) -> Iterator[Callable[[str], None]]:
    """A progress bar on stderr; what it yields is called with each step's name as the step begins.

    total: how many steps there are, None where nobody knows before. It rests while a step shows a bar of its own.
    Whatever a step prints goes to stderr: stdout is the result's.
    """
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description:<26}"), BarColumn(), TimeElapsedColumn())
    with redirect_stdout(sys.stderr), Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("", total=total, completed=-1)

        def begin(step: str) -> None:
            progress.update(task, description=step, advance=1)
            progress.stop() if step in WITH_A_BAR else progress.start()

        yield begin
        progress.update(task, completed=total)


def said(line: str) -> None:
    """Tells what is done besides what was asked for, on stderr."""
    typer.echo(line, err=True)


def print_json(result: dict) -> None:
    """Prints `result` on stdout, NaN as null."""
    typer.echo(json.dumps(result, indent=1))
