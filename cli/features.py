"""`streamrank features`, `apply` and `materialize`: from the event log to features that can be asked for."""

from typing import Annotated

import typer


def features() -> None:
    """Compute the batch features of the data set in use from its event log, one Parquet file a feature view."""
    from catalog.dataset import DataSet
    from pipelines.batch_features import compute_batch_features
    from pipelines.steps import mark

    data = DataSet.current()
    data.manifest()
    counts = compute_batch_features(data)
    mark(data, "features")
    for view, rows in counts.items():
        typer.echo(f"{rows:>12,} rows  {view}")
    typer.echo(f"{sum(counts.values()):>12,} rows in {data.features}")


def apply() -> None:
    """Register feature_repo/ with Feast, as `feast apply` does there."""
    from catalog.dataset import DataSet
    from pipelines import feature_store
    from pipelines.steps import mark

    views = feature_store.apply()
    mark(DataSet.current(), "apply")
    typer.echo(f"{len(views)} feature views applied: {', '.join(views)}")


def candidates(
    days: Annotated[int, typer.Option(min=1, help="for users who did anything in the last so many days")] = 60,
) -> None:
    """Find candidates for every user at once, as a feature: for a nightly run, before `streamrank materialize`."""
    from rich.progress import Progress

    from catalog.dataset import DataSet
    from pipelines.candidates import find_candidates

    data = DataSet.current()
    data.manifest()
    with Progress() as progress:
        task = progress.add_task("candidates", total=None)
        users = find_candidates(data, days, lambda done, total: progress.update(task, completed=done, total=total))
    typer.echo(f"candidates of {users:,} users; `streamrank materialize` puts them online")


def materialize(
    everything: Annotated[
        bool, typer.Option("--all", help="all days anew, not just those since the last time")
    ] = False,
) -> None:
    """Write the latest features of every key to the online store, and fill views over events that never were."""
    from rich.console import Console

    from catalog.dataset import DataSet
    from pipelines import feature_store, streaming
    from streamrank import clock
    from streamrank.embedded import ensure_redis

    ensure_redis()
    end = clock.now()
    views = (
        feature_store.materialize(feature_store.EPOCH, end)
        if everything
        else feature_store.materialize_incremental(end)
    )
    with Console(stderr=True).status("views over events"):
        live = streaming.fill_views(DataSet.current())
    typer.echo(
        f"{views} feature views materialized up to {end:%Y-%m-%d %H:%M} UTC; {live} live ones are filled, and "
        f"kept up to date by `streamrank stream`"
    )
