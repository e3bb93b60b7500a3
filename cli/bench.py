"""`streamrank bench`: the data paths beside stock Feast and the practical limit, in one run on the same input."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    name="bench", no_args_is_help=True,
    help="Measure the data paths beside stock Feast and the practical limit, and check that all answers agree.",
)  # fmt: skip

Json = Annotated[bool, typer.Option("--json", help="one JSON object instead of a table")]
SkipStock = Annotated[bool, typer.Option("--skip-stock", help="without stock Feast, for sizes that it cannot do")]
Folder = Annotated[Path | None, typer.Option(help="keep input and answers here; otherwise they are deleted")]
Items = Annotated[int, typer.Option(min=1, help="items of one request")]
Requests = Annotated[int, typer.Option(min=1, help="requests a side; stock makes a tenth, at least 20")]


@app.command()
def pit(
    rows: Annotated[int, typer.Option(min=1, help="training rows")] = 100_000,
    feature_rows: Annotated[int, typer.Option(min=3_000, help="feature rows of both views")] = 3_000_000,
    repeat: Annotated[int, typer.Option(min=1, help="runs of the fast sides; their median counts")] = 3,
    memory_limit: Annotated[
        str | None, typer.Option(help="ours only, streamed to a file under this limit, such as 4GB")
    ] = None,
    scaling: Annotated[
        bool, typer.Option("--scaling", help="ours only: 10 and 100 million feature rows x 1, 3, 10 million rows")
    ] = False,
    skip_stock: SkipStock = False,
    folder: Folder = None,
    json: Json = False,
) -> None:
    """The point-in-time join of training rows with two views, 30 features; with late corrections too."""
    from benchmarks.pit import bench
    from benchmarks.progress import told

    sizes = bench.Sizes(rows, feature_rows, repeat, skip_stock)
    if scaling:
        _show(bench.scaling(memory_limit or "4GB", folder, told), json)
    elif memory_limit:
        _show(bench.streamed(sizes, memory_limit, folder, told), json)
    else:
        _show(bench.bench(sizes, folder, told), json)


@app.command()
def online(
    items: Items = 1_000,
    repeat: Requests = 500,
    skip_stock: SkipStock = False,
    folder: Folder = None,
    json: Json = False,
) -> None:
    """Reading a request's features: one view, the four views of a real request, and `get_online_features`."""
    from benchmarks.online import bench
    from benchmarks.progress import told

    _show(bench.bench(bench.Sizes(items, repeat, skip_stock), folder, told), json)


@app.command()
def materialize(
    keys: Annotated[int, typer.Option(min=1, help="keys that ours and the limit write")] = 1_000_000,
    stock_keys: Annotated[int, typer.Option(min=1, help="keys that stock writes; the rates are compared")] = 50_000,
    larger: Annotated[
        int, typer.Option(min=0, help="ours once more, to see that memory does not grow; 0: not")
    ] = 2_000_000,
    skip_stock: SkipStock = False,
    folder: Folder = None,
    json: Json = False,
) -> None:
    """Writing the latest 20 features of every key to the online store, compare-and-set and append-only file on."""
    from benchmarks.materialize import bench
    from benchmarks.progress import told

    _show(bench.bench(bench.Sizes(keys, stock_keys, larger, skip_stock), folder, told), json)


@app.command()
def rank(
    items: Items = 1_000,
    repeat: Requests = 500,
    skip_stock: SkipStock = False,
    folder: Folder = None,
    json: Json = False,
) -> None:
    """An HTTP request that ranks items on 40 features: BentoML, the store and XGBoost of 200 trees, one client."""
    from benchmarks.progress import told
    from benchmarks.rank import bench

    _show(bench.bench(bench.Sizes(items, repeat, skip_stock), folder, told), json)


@app.command()
def recommend(
    items: Annotated[int, typer.Option(min=100, help="items of the catalogue")] = 15_000,
    users: Annotated[int, typer.Option(min=10, help="users")] = 20_000,
    events: Annotated[int, typer.Option(min=1_000, help="events of the month before")] = 500_000,
    repeat: Annotated[int, typer.Option(min=1, help="requests")] = 500,
    folder: Folder = None,
    json: Json = False,
) -> None:
    """A whole request over HTTP: sources of candidates, their features, the ranker, re-ranking; where its time goes."""
    from benchmarks.progress import told
    from benchmarks.recommend import bench

    figure = bench.bench(bench.Sizes(items, users, events, repeat), folder, told)
    _show(figure, json)
    if not json:
        typer.echo("\n".join(f"{part:>26} {mean:8.2f} ms" for part, mean in figure.more["parts_ms"].items()))
        kept = figure.more["kept"]
        typer.echo(f"with {kept['features']} features: p50 {kept['p50_ms']} ms, p95 {kept['p95_ms']} ms")


@app.command()
def windows(
    items: Items = 1_000,
    repeat: Annotated[int, typer.Option(min=1, help="requests a side")] = 500,
    rows: Annotated[int, typer.Option(min=1, help="training rows")] = 1_000_000,
    events: Annotated[int, typer.Option(min=1, help="events in the log")] = 10_000_000,
    naive_rows: Annotated[int, typer.Option(min=1, help="training rows of a range join, which is quadratic")] = 100_000,
    memory_limit: Annotated[str, typer.Option(help="of the training set, such as 4GB")] = "4GB",
    scaling: Annotated[
        bool, typer.Option("--scaling", help="training sets alone: 10 and 30 million events x 1 and 3 million rows")
    ] = False,
    folder: Folder = None,
    json: Json = False,
) -> None:
    """Reading the 12 windowed features of a request's items; and a training set of them from a log with late events."""
    from benchmarks.progress import told
    from benchmarks.windows import bench

    sizes = bench.Sizes(items, repeat, rows, events, min(rows, naive_rows), memory_limit=memory_limit)
    _show((bench.scaling if scaling else bench.bench)(sizes, folder, told), json)


@app.command()
def ingest(
    events: Annotated[int, typer.Option(min=1, help="events into the item view")] = 4_000_000,
    keyed_events: Annotated[int, typer.Option(min=1, help="events into item, user and user x topic views")] = 500_000,
    stock_events: Annotated[int, typer.Option(min=1, help="events that stock pushes; the rates are compared")] = 20_000,
    items: Annotated[int, typer.Option(min=1, help="live items")] = 2_000,
    users: Annotated[int, typer.Option(min=1, help="users")] = 1_000_000,
    skip_stock: SkipStock = False,
    folder: Folder = None,
    json: Json = False,
) -> None:
    """From a filled bus to committed tiles, each event once in effect; stock Feast pushes, and aggregates nothing."""
    from benchmarks.ingest import bench
    from benchmarks.progress import told

    _show(bench.bench(bench.Sizes(events, keyed_events, stock_events, items, users, skip_stock), folder, told), json)


@app.command()
def freshness(
    rate: Annotated[int, typer.Option(min=100, help="events a second")] = 5_000,
    seconds: Annotated[int, typer.Option(min=1, help="of measuring")] = 20,
    items: Annotated[int, typer.Option(min=1, help="live items")] = 2_000,
    folder: Folder = None,
    json: Json = False,
) -> None:
    """How long after publishing returned a reader sees an event, with a histogram."""
    from benchmarks.freshness import bench
    from benchmarks.progress import told

    figure = bench.bench(bench.Sizes(rate, seconds, items), folder, told)
    _show(figure, json)
    if not json:
        most = max(figure.more["histogram"].values())
        for name, count in figure.more["histogram"].items():
            typer.echo(f"{name:>18} {count:>7,} {'#' * round(60 * count / most)}")


@app.command("rank-live")
def rank_live(
    items: Items = 1_000,
    repeat: Annotated[int, typer.Option(min=1, help="requests of the one client")] = 500,
    rate: Annotated[int, typer.Option(min=1, help="events a second that stream in meanwhile")] = 2_000,
    history: Annotated[int, typer.Option(min=1, help="events of the week before")] = 500_000,
    seconds: Annotated[float, typer.Option(min=1, help="how long each request rate is held")] = 5.0,
    folder: Folder = None,
    json: Json = False,
) -> None:
    """An HTTP request that ranks live items on row, windowed and derived features, while events stream in."""
    from benchmarks.progress import told
    from benchmarks.rank_live import bench

    _show(bench.bench(bench.Sizes(items, repeat, rate, history, seconds), folder, told), json)


@app.command()
def retrieve(
    items: Items = 15_000,
    repeat: Annotated[int, typer.Option(min=1, help="requests, one at a time on one core")] = 1_000,
    scaling: Annotated[
        bool, typer.Option("--scaling", help="an index up to a million items, and ALS on a million users; half an hour")
    ] = False,
    skip_curve: Annotated[bool, typer.Option("--skip-curve", help="the requests alone, without more items")] = False,
    json: Json = False,
) -> None:
    """200 candidates from all sources; exact search and the index from 15,000 to 1,000,000 items; ALS at scale."""
    from benchmarks.progress import told
    from benchmarks.retrieve import bench

    more = {"index_up_to": 1_000_000, "als_users": 1_000_000} if scaling else {}
    more |= {"curve": ()} if skip_curve else {}
    _show(bench.bench(bench.Sizes(items, repeat=repeat, **more), progress=told), json)


@app.command()
def train(
    rows: Annotated[int, typer.Option(min=1_000, help="rows of the examples, in groups of ten")] = 100_000,
    features: Annotated[int, typer.Option(min=3, help="columns")] = 100,
    rounds: Annotated[int, typer.Option(min=1, help="trees of each booster")] = 100,
    json: Json = False,
) -> None:
    """Fitting each kind of ranker, rows a second on one core, beside plain XGBoost; and scoring 200 candidates."""
    from benchmarks.progress import told
    from benchmarks.train import bench

    _show(bench.bench(bench.Sizes(rows, features, rounds), told), json)


def _show(figure, as_json: bool) -> None:
    """Prints the figure; exit code 1 when sides disagree."""
    if as_json:
        from json import dumps

        typer.echo(dumps(figure.as_dict()))
    else:
        from rich.console import Console

        from benchmarks.tables import table

        Console().print(table(figure.as_dict()))
    if figure.agree is False:
        typer.secho("streamrank: the sides' answers differ", fg=typer.colors.RED, err=True)
        raise typer.Exit(1)
