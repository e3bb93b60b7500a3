"""`streamrank evaluate`: how well what is recommended fits what was wanted, by one of several protocols."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.steps import print_json, said, steps

if TYPE_CHECKING:
    from catalog.dataset import DataSet


class Protocol(StrEnum):
    TEMPORAL = "temporal"
    RANDOM = "random-75-25"
    LEAVE_ONE_OUT = "leave-one-out"
    LAST = "last-10-percent"
    IMPRESSIONS = "impressions"


NEEDS = {
    Protocol.TEMPORAL: "train", Protocol.IMPRESSIONS: "train", Protocol.LEAVE_ONE_OUT: "apply", Protocol.LAST: "apply",
}  # fmt: skip
"""The steps that must have been run before; a part by chance has no point in time at which features could be asked."""


def evaluate(
    protocol: Annotated[Protocol, typer.Option(help="how the past is parted from what is asked")] = Protocol.TEMPORAL,
    html: Annotated[Path | None, typer.Option(help="where to write the report; absent: beside the figures")] = None,
    repeats: Annotated[
        bool | None,
        typer.Option(
            "--repeats/--no-repeats",
            help="whether seen items may be wanted again; absent: as the data set says or shows",
        ),
    ] = None,
    on_air_hours: Annotated[
        float | None,
        typer.Option(
            min=0,
            help="an item is on air while anybody acted on it within so many hours (steps, where times are an order)",
        ),
    ] = None,
    questions: Annotated[int | None, typer.Option(min=1, help="ask at most so many, drawn once")] = None,
    ablations: Annotated[
        bool, typer.Option("--ablations", help="also leave out each source, and each group of features, in turn")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="print the result as JSON")] = False,
) -> None:
    """Measure the recommender on what came later, beside popularity and others. docs/evaluation.md tells how."""
    from catalog.dataset import DataSet
    from cli.evaluation_tables import print_tables
    from pipelines.protocols.askable import check
    from pipelines.protocols.running import Options, page_of, path, run
    from pipelines.steps import bring_up_to_date

    data = DataSet.current()
    check(data, protocol.value)
    with steps(None) as report:
        if need := _need(data, protocol):
            bring_up_to_date(data, need, report, said)
        found = run(data, protocol.value, Options(repeats, on_air_hours, questions, ablations), report, html)
    if as_json:
        print_json(found)
        return
    print_tables(found)
    typer.echo(f"figures: {path(data, protocol.value)}; page with plots: {html or page_of(data, protocol.value)}")


def _need(data: "DataSet", protocol: Protocol) -> str | None:
    """The step that must have been run before; features mean nothing where times are only an order."""
    need = NEEDS.get(protocol)
    return None if need == "apply" and data.manifest().times == "order" else need
