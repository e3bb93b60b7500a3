"""`streamrank training-set`, `train` and `promote`: from features to the ranker in use."""

from pathlib import Path
from typing import Annotated

import typer

from cli.steps import print_json, steps

Json = Annotated[bool, typer.Option("--json", help="print the result as JSON")]


def training_set(
    entities: Annotated[
        Path | None,
        typer.Option(
            help="rows to ask for, Parquet or CSV: event_timestamp, entity keys and what a request brings (without "
            "request_time, in microseconds, it is the row's time; other such columns are missing then); needs --out"
        ),
    ] = None,
    service: Annotated[str, typer.Option(help="the feature service to ask")] = "ranker",
    out: Annotated[Path | None, typer.Option(help="the Parquet file to write")] = None,
    as_json: Json = False,
) -> None:
    """Build a training set: rows with the features as they were known at each row's own time.

    Without --entities the rows are the labelled groups of the event log, and `streamrank train` learns from them.
    """
    from dataclasses import asdict

    from catalog.dataset import DataSet
    from pipelines.training_set import build_training_set

    if entities:
        _features_of(entities, service, out, as_json)
        return
    with steps(3) as report:
        made = build_training_set(DataSet.current(), report, service, out)
    if as_json:
        print_json(asdict(made))
        return
    typer.echo(
        f"{made.rows:,} rows in {made.groups:,} groups, {made.positives:,} positive; {len(made.features)} features"
    )
    typer.echo(f"asked from {made.first} to {made.last}")


def _features_of(entities: Path, service: str, out: Path | None, as_json: bool) -> None:
    from pipelines.point_in_time import write_features

    if out is None:
        raise typer.BadParameter("--entities needs --out, the Parquet file to write")
    with steps(1) as report:
        report("ask for features")
        rows = write_features(entities, service, out)
    print_json({"rows": rows, "out": str(out)}) if as_json else typer.echo(f"{rows:,} rows in {out}")


def train(as_json: Json = False) -> None:
    """Fit the ranker to the training set."""
    from dataclasses import asdict

    from catalog.dataset import DataSet
    from pipelines.train import ranker_folder
    from pipelines.train import train as fit

    data = DataSet.current()
    with steps(1) as report:
        report("grow trees")
        made = fit(data)
    if as_json:
        print_json(asdict(made))
        return
    typer.echo(f"{made.trees} trees from {made.rows:,} rows, stopped early on {made.stopped_on:,} later ones")
    leading = ", ".join(f"{name} {share:.0%}" for name, share in list(made.gains.items())[:6])
    typer.echo(f"most telling features: {leading}")
    typer.echo(f"written to {ranker_folder(data)}; `streamrank evaluate` tests it")


def promote(
    force: Annotated[bool, typer.Option("--force", help="even if it ranks worse than the one in use")] = False,
    as_json: Json = False,
) -> None:
    """Put the trained ranker into use, unless it ranks worse than the one it would replace."""
    from dataclasses import asdict

    from catalog.dataset import DataSet
    from pipelines.promote import promote as put_into_use

    with steps(1) as report:
        report("store the ranker")
        made = put_into_use(DataSet.current(), force)
    if as_json:
        print_json(asdict(made))
        return
    if made.comparison:
        typer.echo(("forced, though worse: " if made.forced else "") + str(made.comparison))
    typer.echo(f"in use from now on: {made.tag}")
    for other, lead in made.not_beaten.items():
        typer.echo(f"note: on the test part it does not rank better than {other}: {lead}")
