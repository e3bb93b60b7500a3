"""`streamrank training-set` and `train`: from features to a recommender that can be tested."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.steps import print_json, said, steps

if TYPE_CHECKING:
    from pipelines.train import Fit

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
    from pipelines.steps import mark
    from pipelines.training_set import build_training_set

    if entities:
        _features_of(entities, service, out, as_json)
        return
    data = DataSet.current()
    with steps(None) as report:
        made = build_training_set(data, report, service, out)
    if out is None:
        mark(data, "training-set")
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


def train(
    trials: Annotated[
        int, typer.Option(min=0, help="other parameters to try for each kind of ranker that is tuned")
    ] = 3,
    as_json: Json = False,
) -> None:
    """Fit sources and rankers and keep what does best, after the steps before it that are missing or out of date."""
    from dataclasses import asdict

    from catalog.dataset import DataSet
    from pipelines.steps import bring_up_to_date, mark
    from pipelines.train import ranker_folder
    from pipelines.train import train as fit

    data = DataSet.current()
    with steps(None) as report:
        ran = bring_up_to_date(data, "training-set", report, said)
        report("fit rankers")
        made = fit(data, trials)
        mark(data, "train")
    if as_json:
        print_json({**asdict(made), "ran": [*ran, "train"]})
        return
    _print_fit(made)
    typer.echo(f"written to {ranker_folder(data)}; `streamrank evaluate` tests it")


def _print_fit(made: "Fit") -> None:
    chosen = made.chosen
    trees = f"{made.trees} trees of the kind {made.kind}" if made.trees else f"a ranker of the kind {made.kind}"
    typer.echo(f"{trees} from {made.rows:,} rows, stopped early on {made.stopped_on:,} later ones")
    typer.echo(f"kept: {chosen['kept']}" + (f" ({chosen['why']})" if "why" in chosen else ""))
    for name, reason in chosen["aside"].items():
        typer.echo(f"without {name}: {reason.removeprefix(f'{name}: ')}")
    if made.gains:
        leading = ", ".join(f"{name} {share:.0%}" for name, share in list(made.gains.items())[:6])
        typer.echo(f"most telling features: {leading}")
