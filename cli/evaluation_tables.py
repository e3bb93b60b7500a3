"""An evaluation as tables: each scorer's measures, and by how much the ranker beats the others."""

from rich.console import Console
from rich.table import Table

WORDS = {
    "all": "all requests",
    "warm": "requests of users with an earlier day",
    "cold": "requests of users without an earlier day",
}
MEASURES = ("ndcg@10", "recall@20", "map@10", "auc", "auc per user")


def print_tables(result: dict) -> None:
    """Prints what `pipelines.evaluate.evaluate` returned."""
    console = Console()
    for number, found in enumerate(result["tables"]):
        console.print(_scorers(result["dataset"], found))
        console.print(_differences(found), style=None if number == 0 else "dim")
        console.print(_sentence(found), highlight=False)
        console.print()


def _scorers(dataset: str, found: dict) -> Table:
    """One row a scorer."""
    measures = [measure for measure in MEASURES if measure in next(iter(found["scorers"].values()))]
    table = _table(f"{dataset}, {WORDS[found['name']]} (95 % interval below)", ["scorer", *measures, "coverage"])
    for scorer, values in found["scorers"].items():
        cells = [_interval(values[measure]) for measure in measures]
        table.add_row(scorer, *cells, f"{values['coverage@10']:.1%}", style="bold" if scorer == "ranker" else None)
    return table


def _differences(found: dict) -> Table:
    """One row a scorer that the ranker is held against."""
    measures = list(next(iter(found["differences"].values())))
    table = _table("ranker minus the other, paired by request", ["other", *measures])
    for other, values in found["differences"].items():
        table.add_row(other, *[_interval(values[measure], sign=True) for measure in measures])
    return table


def _sentence(found: dict) -> str:
    sampled = "" if found["tested"] == found["requests"] else f", a sample of {found['requests']:,}"
    return (
        f"{found['tested']:,} requests{sampled}, {found['telling']:,} of them with both outcomes; "
        f"{found['rows']:,} rows, {found['positives']:,} positive"
    )


def _table(title: str, columns: list[str]) -> Table:
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, padding=(0, 1), min_width=len(title))
    for place, column in enumerate(columns):
        table.add_column(column, justify="left" if place == 0 else "right", no_wrap=True)
    return table


def _interval(value: dict, sign: bool = False) -> str:
    """The mean, and below it the interval, narrow enough for a terminal of 80 columns."""
    shape = "+.3f" if sign else ".3f"
    low, high = (f"{value[end]:{shape}}".replace("0.", ".", 1) for end in ("low", "high"))
    return f"{value['mean']:{shape}}\n[dim]{low} {high}[/dim]"
