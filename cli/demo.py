"""`streamrank demo`: the whole path on one machine, from real events to a ranked answer over HTTP."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

START_SECONDS = 120


class ServiceFailed(RuntimeError):
    """The service did not come up; the message holds what it printed."""


def demo(
    dataset: Annotated[str, typer.Option(help="ml-100k or kuairand")] = "ml-100k",
    path: Annotated[Path | None, typer.Option(help="kuairand: the folder with its files")] = None,
) -> None:
    """Run every step on real data, ask the service for one user's ranking, and stop what was started."""
    if dataset not in ("ml-100k", "kuairand"):
        raise typer.BadParameter(f"expected ml-100k or kuairand, found {dataset!r}", param_hint="--dataset")
    if dataset == "kuairand" and path is None:
        raise typer.BadParameter(
            "kuairand needs the folder with its files: make demo DATASET=kuairand DATA=FOLDER", param_hint="--path"
        )
    _choose(dataset)
    with _server():
        steps = list(_steps(dataset, path))
        for number, (command, step) in enumerate(steps, 1):
            _announce(f"{number}/{len(steps)}  {command}")
            step()


def _choose(dataset: str) -> None:
    import os

    from streamrank import environment
    from streamrank.settings import settings

    os.environ["STREAMRANK_DATASET"] = dataset
    environment.prepare()
    settings.cache_clear()


def _steps(dataset: str, path: Path | None) -> Iterator[tuple[str, Callable[[], None]]]:
    from cli import dataset as datasets
    from cli import features, pipeline

    if dataset == "ml-100k":
        yield "streamrank dataset ml-100k --shift-to-now", lambda: datasets.ml_100k("ml-100k", shift_to_now=True)
    else:
        command = f"streamrank dataset kuairand --path {path} --shift-to-now"
        yield command, lambda: datasets.kuairand(path, "kuairand", shift_to_now=True)
    yield "streamrank features", features.features
    yield "streamrank apply", features.apply
    yield "streamrank training-set", pipeline.training_set
    yield "streamrank train", pipeline.train
    yield "streamrank evaluate", pipeline.evaluate
    yield "streamrank promote", _promote
    yield "streamrank materialize --all", lambda: features.materialize(everything=True)
    yield "streamrank serve, then POST /recommend", _ask


def _promote() -> None:
    """Promotes, or goes on with the model in place when that one is better: a second demo may train a worse one."""
    from cli import pipeline
    from pipelines.promote import WorseThanInUse

    try:
        pipeline.promote()
    except WorseThanInUse as refusal:
        typer.echo(f"{refusal}\ngoing on with the model in place")


def _ask() -> None:
    """Starts the service, asks it for a user's ranking, prints the answer and how to go on, and stops the service."""
    from catalog.dataset import DataSet
    from cli import serve

    data = DataSet.current()
    user = _active_user(data)
    body = {"user_id": serve.original(user, data.manifest().user_ids, "user_id"), "k": 10}
    with _service() as url:
        answer = serve.ask(url, body)
        typer.echo(f"POST {url}/recommend {body}")
        serve.show(answer, serve.titles(data), user)
    _say_how_to_go_on(data.name, user)


def _active_user(data) -> str:
    """A user whose features are not empty: the one with most events among those who came on several days."""
    import duckdb

    from streamrank.events.log import EventLog

    with duckdb.connect() as connection:
        found = connection.execute(
            """SELECT user_id FROM read_parquet(?) WHERE user_id IS NOT NULL
            GROUP BY user_id ORDER BY count(DISTINCT event_time::DATE) DESC, count(*) DESC, user_id LIMIT 1""",
            [EventLog(data.events).files()],
        ).fetchone()
    return found[0]


@contextmanager
def _service() -> Iterator[str]:
    """`bentoml serve` on a free port, ready to answer, and stopped at the end; its URL."""
    import subprocess
    import sys

    from streamrank.environment import CHECKOUT
    from streamrank.settings import settings

    port = _free_port()
    log = settings().home / "service.log"
    command = [sys.executable, "-m", "bentoml", "serve", ".", "--host", "127.0.0.1", "--port", str(port)]
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=CHECKOUT, stdout=output, stderr=output, stdin=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        _await_ready(process, url, log)
        yield url
    finally:
        process.terminate()
        process.wait()


def _await_ready(process, url: str, log: Path) -> None:
    import time
    from urllib.error import URLError
    from urllib.request import urlopen

    from rich.console import Console

    deadline = time.monotonic() + START_SECONDS
    with Console(stderr=True).status("the service starts"):
        while time.monotonic() < deadline and process.poll() is None:
            try:
                with urlopen(f"{url}/readyz", timeout=2):
                    return
            except (URLError, OSError):
                time.sleep(0.2)
    raise ServiceFailed(f"the service did not come up at {url}; the end of {log}:\n{log.read_text()[-2000:]}")


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def _server() -> Iterator[None]:
    """The embedded server for the length of the block, stopped only if it was started here."""
    from streamrank import embedded
    from streamrank.settings import settings

    started = embedded.up() if settings().embedded else not embedded.ensure_redis()
    try:
        yield
    finally:
        if started:
            embedded.down()


def _announce(text: str) -> None:
    from rich.console import Console

    Console().rule(f"[bold]{text}", align="left")


def _say_how_to_go_on(dataset: str, user: str) -> None:
    chosen = "" if dataset == "ml-100k" else f"export STREAMRANK_DATASET={dataset}\n"
    typer.echo(
        f"\nAll of it is stopped again; data, features and model are under .streamrank/. Go on with\n"
        f"source .venv/bin/activate\n{chosen}"
        f"streamrank serve                    # then, in another shell: streamrank recommend {user}\n"
        f"streamrank --help                   # each step of the above is a command\n"
        f"cd feature_repo && feast ui         # what features there are (README.md tells the rest)"
    )
