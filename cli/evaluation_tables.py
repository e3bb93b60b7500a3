"""An evaluation as tables: each scorer's measures, the gain of each stage, and parts of the questions apart."""

from rich.console import Console

from cli.figure_tables import print_figures, wide_enough, with_interval
from pipelines.evaluation_report.parts import alone, apart

WORDS = {
    "all": "all requests",
    "warm": "users known from an earlier day (step)",
    "cold": "users on their first day (step)",
}
MEASURES = ("ndcg@10", "map@10", "hit@1", "hit@10", "recall@20")
OF_TABLES = ("ndcg@10", "recall@20", "map@10", "auc", "auc per user")
OF_STAGES = ("ndcg@10", "recall@20", "coverage@10", "topics@10", "novelty@10")


def print_tables(result: dict) -> None:
    """Prints what `pipelines.protocols.running.run` returned."""
    console = wide_enough()
    if "tables" in result:
        _print_compared(console, result)
        return
    _print_measures(console, f"{result['dataset']}, {result['protocol']}; 95 % interval below", result["metrics"])
    _print_measures(console, "stage by stage", result["stages"], OF_STAGES)
    if ablations := result.get("ablations"):
        _print_measures(console, "with something left out", ablations, OF_STAGES[:2])
    for name, part in apart(result):
        _print_measures(console, f"{name}: {part['questions']:,} questions", part["metrics"], dim=True)
    _print_lines(console, _notes(result))


def _notes(result: dict) -> list[str]:
    told = [f"{result['questions']:,} questions of {result['users']:,} users; {result['items']:,} items"]
    told += [f"on air: {result['on air']}; {'repeats count' if result['repeats']['count'] else 'seen items leave'}"]
    told += [f"sampled: {what}, {how}" for what, how in result["sampled"].items()]
    return [*told, *alone(result), *result["notes"], *_aside(result)]


def _aside(result: dict) -> list[str]:
    """What stepped aside, and why."""
    told = result.get("aside", {}).items()
    return [f"aside: {name}: {reason.removeprefix(f'{name}: ')}" for name, reason in told]


def _print_measures(
    console: Console, title: str, scorers: dict, measures: tuple[str, ...] = MEASURES, dim: bool = False
) -> None:
    """One row a scorer."""
    print_figures(
        console, title, list(scorers), measures, lambda who, what: with_interval(scorers[who][what]), "ours", dim
    )


def _print_compared(console: Console, result: dict) -> None:
    first, *others = result["tables"]
    same = [found for found in others if found["rows"] == first["rows"]]
    for found in (first, *(found for found in others if found not in same)):
        _print_scorers(console, result["dataset"], found)
        _print_differences(console, found, dim=found is not first)
        _print_lines(console, [_sentence(found), ""])
    told = [f"{WORDS[found['name']]}: {WORDS[first['name']]}, as above" for found in same]
    told += [f"left out: {count:,} {what}" for what, count in result["left out"].items()]
    _print_lines(console, [*told, *_aside(result)])


def _print_scorers(console: Console, dataset: str, found: dict) -> None:
    """One row a scorer."""
    scorers = found["scorers"]
    measures = [measure for measure in OF_TABLES if measure in next(iter(scorers.values()))]

    def cell(who: str, what: str) -> str:
        return with_interval(scorers[who][what]) if what in measures else f"{scorers[who]['coverage@10']:.1%}"

    title = f"{dataset}, {WORDS[found['name']]}; 95 % interval below"
    print_figures(console, title, list(scorers), [*measures, "coverage"], cell, bold="ranker")


def _print_differences(console: Console, found: dict, dim: bool) -> None:
    """One row a scorer that the ranker is held against."""
    others = found["differences"]
    if not others:
        return
    measures = list(next(iter(others.values())))
    title = "ranker minus the other, paired by request"
    print_figures(
        console, title, list(others), measures, lambda who, what: with_interval(others[who][what], True), dim=dim
    )


def _sentence(found: dict) -> str:
    sampled = "" if found["tested"] == found["requests"] else f", a sample of {found['requests']:,}"
    return (
        f"{found['tested']:,} requests{sampled}, {found['telling']:,} of them with both outcomes; "
        f"{found['rows']:,} rows, {found['positives']:,} positive"
    )


def _print_lines(console: Console, lines: list[str]) -> None:
    for line in lines:
        console.print(line, highlight=False, soft_wrap=True, markup=False)
