"""`streamrank demo`: the whole path on one machine, from real events to a ranked answer over HTTP."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from cli.chosen import choose


@dataclass
class Running:
    """What a step leaves running for those after it. url, user: of the service, and whom it is asked for."""

    stream: ExitStack
    service: ExitStack
    url: str = ""
    user: str = ""


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
    choose(dataset)
    with _server(), ExitStack() as stream, ExitStack() as service:
        steps = list(_steps(dataset, path, Running(stream, service)))
        for number, (command, step) in enumerate(steps, 1):
            _announce(f"{number}/{len(steps)}  {command}")
            step()
    _say_how_to_go_on(dataset)


def _steps(dataset: str, path: Path | None, running: Running) -> Iterator[tuple[str, Callable[[], None]]]:
    from cli import dataset as datasets
    from cli import evaluate, features, pipeline

    how = {"shift_to_now": True, "hold_back": 1, "anew": True}
    if dataset == "ml-100k":
        command = "streamrank dataset ml-100k --shift-to-now --hold-back 1 --anew"
        yield command, lambda: datasets.ml_100k("ml-100k", **how)
    else:
        command = f"streamrank dataset kuairand --path {path} --shift-to-now --hold-back 1 --anew"
        yield command, lambda: datasets.kuairand(path, "kuairand", **how)
    yield "streamrank features", features.features
    yield "streamrank apply", features.apply
    yield "streamrank training-set", pipeline.training_set
    yield "streamrank train", pipeline.train
    yield "streamrank evaluate", evaluate.evaluate
    yield "streamrank promote", _promote
    yield "streamrank materialize --all", lambda: features.materialize(everything=True)
    yield "streamrank stream, and streamrank publish held_back.parquet", lambda: _stream(running)
    yield "streamrank serve, then POST /recommend", lambda: _ask(running)
    yield "a new user with five picks", lambda: _newcomer(running)
    yield "an item that starts now", lambda: _premiere(running)
    yield "what happens now counts now", lambda: _change(running)
    yield "streamrank audit", lambda: _audit(running)


def _promote() -> None:
    """Promotes, or goes on with the model in place when that one is better: a second demo may train a worse one."""
    from cli import registry
    from pipelines.promote import WorseThanInUse

    try:
        registry.promote()
    except WorseThanInUse as refusal:
        typer.echo(f"{refusal}\ngoing on with the model in place")


def _stream(running: Running) -> None:
    """Starts the stream, publishes the day that was held back, and waits until it is in the windows."""
    from catalog.dataset import DataSet
    from cli import demo_live, publish

    running.stream.enter_context(demo_live.streaming())
    demo_live.await_worker()
    publish.publish(DataSet.current().held_back)
    seconds = demo_live.await_applied()
    typer.echo(f"the last day of the data has streamed into the windows, {seconds:.2f} s after it was published")


def _ask(running: Running) -> None:
    """Starts the service, asks it for a user's ranking, and prints the answer with its reasons."""
    from catalog.dataset import DataSet
    from cli import demo_reasons, demo_service

    data = DataSet.current()
    running.user = _active_user(data)
    running.url = running.service.enter_context(demo_service.service())
    demo_reasons.known_user(running.url, running.user, data)


def _newcomer(running: Running) -> None:
    from catalog.dataset import DataSet
    from cli import demo_reasons

    demo_reasons.new_user(running.url, DataSet.current())


def _premiere(running: Running) -> None:
    from catalog.dataset import DataSet
    from cli import demo_reasons

    demo_reasons.new_item(running.url, running.user, DataSet.current())


def _change(running: Running) -> None:
    """Publishes a few events, and asks until a rank has changed."""
    from catalog.dataset import DataSet
    from cli import demo_live, serve

    data = DataSet.current()
    change = demo_live.change_a_rank(running.url, running.user, data)
    demo_live.show_change(change, serve.titles(data), running.user)


def _audit(running: Running) -> None:
    """Ends the service, which writes its served log, and makes every value that it ranked by again offline."""
    from cli import audit, demo_live

    running.service.close()
    demo_live.await_applied(("windows", "log"))
    audit.audit(since=None, sample=1.0, service="ranker", html=None, as_json=False)


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


def _say_how_to_go_on(dataset: str) -> None:
    from streamrank.settings import settings

    chosen = "" if dataset == "ml-100k" else f"export STREAMRANK_DATASET={dataset}\n"
    typer.echo(
        f"\nAll of it is stopped again; data, features and model are under {settings().root}. Go on with\n"
        f"source .venv/bin/activate\n{chosen}"
        f"streamrank stream &                 # keeps windows, sessions and what is on air up to date\n"
        f"streamrank serve                    # then, in another shell: streamrank recommend USER\n"
        f"streamrank --help                   # each step of the above is a command\n"
        f"cd feature_repo && feast ui         # what features there are (README.md tells the rest)"
    )
