"""An evaluation as tables: each scorer's measures, the gain of each stage, and parts of the questions apart."""

from rich.console import Console
from rich.table import Table

WORDS = {
    "all": "all requests",
    "warm": "requests of users known from an earlier day (step)",
    "cold": "requests of users on their first day (step)",
}
MEASURES = ("ndcg@10", "map@10", "hit@1", "hit@10", "recall@20")
OF_TABLES = ("ndcg@10", "recall@20", "map@10", "auc", "auc per user")
PARTS = ("cold users", "known users", "cold items", "known items", "repeats only", "new items only")


def print_tables(result: dict) -> None:
    """Prints what `pipelines.protocols.running.run` returned."""
    console = Console()
    if "tables" in result:
        _print_compared(console, result)
    else:
        console.print(_figures(f"{result['dataset']}, {result['protocol']} (95 % interval below)", result["metrics"]))
        _print_stages(console, result)
        _print_parts(console, result)
        _print_notes(console, result)


def _print_stages(console: Console, result: dict) -> None:
    measures = ("ndcg@10", "recall@20", "coverage@10", "topics@10", "novelty@10")
    console.print(_figures("stage by stage", result["stages"], measures))
    if ablations := result.get("ablations"):
        console.print(_figures("with something left out", ablations, measures[:2]))


def _print_parts(console: Console, result: dict) -> None:
    for name in PARTS:
        if (part := result.get(name)) and "metrics" in part:
            console.print(_figures(f"{name}: {part['questions']:,} questions", part["metrics"], MEASURES), style="dim")


def _print_notes(console: Console, result: dict) -> None:
    told = [f"{result['questions']:,} questions of {result['users']:,} users; {result['items']:,} items"]
    told += [f"on air: {result['on air']}; {'repeats count' if result['repeats']['count'] else 'seen items leave'}"]
    told += [f"sampled: {what}, {how}" for what, how in result["sampled"].items()]
    for line in (*told, *result["notes"], *_aside(result)):
        console.print(line, highlight=False, soft_wrap=True)


def _aside(result: dict) -> list[str]:
    """What stepped aside, and why."""
    told = result.get("aside", {}).items()
    return [f"aside: {name}: {reason.removeprefix(f'{name}: ')}" for name, reason in told]


def _figures(title: str, scorers: dict, measures: tuple[str, ...] = MEASURES) -> Table:
    """One row a scorer."""
    table = _table(title, ["", *measures])
    for scorer, values in scorers.items():
        cells = [_interval(values[measure]) for measure in measures]
        table.add_row(scorer, *cells, style="bold" if scorer == "ours" else None)
    return table


def _print_compared(console: Console, result: dict) -> None:
    for number, found in enumerate(result["tables"]):
        console.print(_scorers(result["dataset"], found))
        console.print(_differences(found), style=None if number == 0 else "dim")
        console.print(_sentence(found), highlight=False)
        console.print()
    told = [f"left out: {count:,} {what}" for what, count in result["left out"].items()]
    for line in (*told, *_aside(result)):
        console.print(line, highlight=False, soft_wrap=True)


def _scorers(dataset: str, found: dict) -> Table:
    """One row a scorer."""
    measures = [measure for measure in OF_TABLES if measure in next(iter(found["scorers"].values()))]
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
    """The mean, and below it the interval, narrow enough for a terminal of 80 columns; a dash for nothing measured."""
    if value["mean"] is None:
        return "-"
    shape = "+.3f" if sign else ".3f"
    low, high = (f"{value[end]:{shape}}".replace("0.", ".", 1) for end in ("low", "high"))
    return f"{value['mean']:{shape}}\n[dim]{low} {high}[/dim]"
