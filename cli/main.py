"""The `streamrank` command. Each command's file imports its room only when it runs, so `--help` answers at once."""

import sys

import typer

from cli import (
    audit,
    bench,
    dataset,
    demo,
    demo_live,
    demo_reasons,
    demo_service,
    evaluate,
    features,
    off_policy,
    pipeline,
    publish,
    registry,
    serve,
    server,
    simulate,
    stream,
)
from cli.chosen import on_a_data_set
from streamrank import environment

app = typer.Typer(
    name="streamrank", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
    help="Rank what a streaming service can show right now, from one feature store.",
)  # fmt: skip

app.command()(server.up)
app.command()(server.down)
app.command()(server.status)
app.command()(server.env)
app.add_typer(dataset.app)
app.command()(on_a_data_set(features.features))
app.command()(on_a_data_set(features.apply))
app.command()(on_a_data_set(features.materialize))
app.command()(on_a_data_set(features.candidates))
app.command()(on_a_data_set(pipeline.training_set))
app.command()(on_a_data_set(pipeline.train))
app.command()(on_a_data_set(evaluate.evaluate))
app.command()(on_a_data_set(registry.models))
app.command()(on_a_data_set(registry.promote))
app.command()(on_a_data_set(registry.rollback))
app.command()(on_a_data_set(serve.serve))
app.command()(on_a_data_set(serve.recommend))
app.command()(on_a_data_set(publish.intake))
app.command()(on_a_data_set(publish.publish))
app.command()(simulate.simulate)
app.command()(on_a_data_set(stream.stream))
app.command()(on_a_data_set(stream.rebuild))
app.command()(on_a_data_set(audit.audit))
app.command()(on_a_data_set(off_policy.off_policy))
app.command()(demo.demo)
app.add_typer(bench.app)


def main() -> None:
    """Runs the command line; a user's mistake ends it with one clear message and exit code 1."""
    environment.prepare()
    try:
        app()
    except Exception as error:
        told = str(error) if _is_users(error) else _no_room(error)
        if told is None:
            raise
        typer.secho(f"streamrank: {told}", fg=typer.colors.RED, err=True)
        sys.exit(1)


def _is_users(error: Exception) -> bool:
    """Whether `error` speaks to the user, as all do that the engine or Feast defines; asked only after a failure, when
    imports cost nothing that matters."""
    from pydantic import ValidationError

    from catalog.dataset import DataSetMissing
    from catalog.errors import InputError

    failures = (demo_reasons.NotFound, demo_service.ServiceFailed, demo_live.StreamFailed, serve.NoAnswer)
    refusals = (DataSetMissing, InputError, ValidationError, *failures)
    return isinstance(error, refusals) or type(error).__module__.startswith(("streamrank.", "feast.errors"))


def _no_room(error: Exception) -> str | None:
    """What to say of a full disk, whoever found it full; None of all else."""
    from streamrank.events.not_written import FULL, refused_by_the_disk
    from streamrank.settings import settings

    if refused_by_the_disk(error) not in FULL:
        return None
    return (
        f"no room on the disk: {error}; what was complete before stands. Make room under {settings().root}, or set "
        f"STREAMRANK_ROOT to where there is some, and run the command again"
    )


if __name__ == "__main__":
    main()
