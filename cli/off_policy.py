"""`streamrank off-policy`: what other policies would have been worth, from what was served and drawn."""

from typing import Annotated

import typer

from cli.steps import print_json

ESTIMATORS = ("ips", "snips", "dr")


def off_policy(
    open_bandit: Annotated[
        bool, typer.Option("--open-bandit", help="check the estimators on Open Bandit's logs, fetched with pip")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="print the result as JSON")] = False,
) -> None:
    """Estimate from the served log what exploration costs, and what the list without it or by a new ranker is worth."""
    found = _open_bandit() if open_bandit else _served()
    if as_json:
        print_json(found)
    elif open_bandit:
        _show_open_bandit(found)
    else:
        _show_served(found)


def _open_bandit() -> dict:
    from pipelines.open_bandit import check
    from streamrank.settings import settings

    return check(settings().root / "cache")


def _served() -> dict:
    from catalog.dataset import DataSet
    from pipelines.off_policy import estimated

    return estimated(DataSet.current())


def _show_open_bandit(found: dict) -> None:
    rows = [
        (campaign, direction, weights, _interval(of["on policy"]), estimates)
        for campaign, directions in found.items()
        for direction, of in directions.items()
        for weights, estimates in of["estimates"].items()
    ]
    table = _table(
        "clicks a row, 95 % intervals", "campaign", "log -> policy", "weights", "really", *ESTIMATORS, "rows' worth"
    )
    for campaign, direction, weights, really, estimates in rows:
        shown = [_interval(estimates[name]) + ("" if estimates[name]["covers"] else " misses") for name in ESTIMATORS]
        table.add_row(campaign, direction, weights, really, *shown, f"{estimates['support']['effective']:,.0f}")
    _print(table)


def _show_served(found: dict) -> None:
    typer.echo(f"{found['rows']:,} rows of {found['requests']:,} requests; a reward is a positive label")
    table = _table(
        "rewards a slot, 95 % intervals", "policy", "slots", "as served", *ESTIMATORS, "covered", "rows' worth"
    )
    for name, of in found["policies"].items():
        if "reason" in of:
            typer.echo(f"{name}: {of['reason']}")
            continue
        shown = [_interval(of["estimates"][each]) if each in of["estimates"] else "" for each in ESTIMATORS]
        known = f"{of['covered']:.0%}", f"{of['support']['effective']:,.0f}"
        table.add_row(name, of["slots"], _interval(of["as served"]), *shown, *known)
    _print(table)
    if "exploration" in found:
        _show_exploration(found["exploration"])


def _show_exploration(of: dict) -> None:
    typer.echo(
        f"explored: {of['share']:.1%} of slots, rewards {_interval(of['explored'])}; others in the same slots "
        f"{_interval(of['others'])}"
    )


def _interval(of: dict) -> str:
    return f"{of['mean']:.4f} ({of['low']:.4f} to {of['high']:.4f})"


def _table(title: str, *columns: str):
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=None)
    for column in columns:
        table.add_column(column)
    return table


def _print(table) -> None:
    from rich.console import Console

    Console(width=200).print(table)
