"""`streamrank models`, `promote` and `rollback`: the versions of a recommender, and which of them is in use."""

from typing import TYPE_CHECKING, Annotated

import typer

from cli.steps import print_json, steps

if TYPE_CHECKING:
    from catalog.in_use import Change

Json = Annotated[bool, typer.Option("--json", help="print the result as JSON")]


def models(as_json: Json = False) -> None:
    """List the stored versions: what each can do, what it was made of, and which is in use."""
    from dataclasses import asdict

    from catalog.dataset import DataSet
    from catalog.in_use import history
    from pipelines.registry import versions

    data = DataSet.current()
    data.manifest()
    found = versions(data)
    if as_json:
        print_json({"models": [asdict(each) for each in found], "changes": [asdict(each) for each in history(data)]})
        return
    _print(found)


def promote(
    tag: Annotated[str | None, typer.Argument(help="a stored version; absent: the one trained last")] = None,
    force: Annotated[bool, typer.Option("--force", help="even if it ranks worse than the one in use")] = False,
    as_json: Json = False,
) -> None:
    """Put a recommender into use, unless it ranks worse than the one it would replace."""
    from catalog.dataset import DataSet
    from pipelines.registry import promote_stored

    if tag is None:
        _promote_trained(force, as_json)
        return
    with steps(1) as report:
        report("compare")
        change = promote_stored(DataSet.current(), tag, force)
    _print_change(change, as_json)


def rollback(as_json: Json = False) -> None:
    """Put back the version that was in use before; the service serves it after a restart."""
    from catalog.dataset import DataSet
    from pipelines.registry import rollback as put_back

    with steps(1) as report:
        report("put back")
        change = put_back(DataSet.current())
    _print_change(change, as_json)


def _promote_trained(force: bool, as_json: bool) -> None:
    from dataclasses import asdict

    from catalog.dataset import DataSet
    from pipelines.promote import promote as put_into_use

    with steps(1) as report:
        report("fit sources and store")
        made = put_into_use(DataSet.current(), force)
    if as_json:
        print_json(asdict(made))
        return
    if made.comparison:
        typer.echo(("forced, though worse: " if made.forced else "") + str(made.comparison))
    typer.echo(f"in use from now on: {made.tag}")
    for other, lead in made.not_beaten.items():
        typer.echo(f"note: on the test part it does not rank better than {other}: {lead}")


def _print_change(change: "Change", as_json: bool) -> None:
    from dataclasses import asdict

    if as_json:
        print_json(asdict(change))
        return
    instead = f", in the place of {change.replaced}" if change.replaced else ""
    typer.echo(f"in use from now on: {change.tag}{instead}; restart the service to serve it")


def _print(found: list) -> None:
    """A line a version, never cut: it may go into a pipe."""
    if not found:
        typer.echo("no model is stored: run `streamrank train`, `streamrank evaluate` and `streamrank promote`")
    for each in found:
        window = each.data_window or {}
        learned = f"learned from {window['from'][:10]} to {window['to'][:10]}" if window else "learned from ?"
        code = f"code {(each.code_version or '?')[:10]}"
        version = each.tag.partition(":")[2]
        told = (version, f"{each.state:<10}", each.made_at[:16], learned, code, each.kind or "", _figures(each.metrics))
        typer.echo("  ".join(told))


def _figures(metrics: dict) -> str:
    means = {name: value["mean"] for name, value in metrics.items() if isinstance(value, dict) and "mean" in value}
    return ", ".join(f"{name} {mean:.3f}" for name, mean in list(means.items())[:3])
