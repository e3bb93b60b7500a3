"""`--dataset NAME`: on which data set a command works, as STREAMRANK_DATASET says for all of them."""

import functools
import inspect
import os
import re
from collections.abc import Callable
from typing import Annotated

import typer

Dataset = Annotated[
    str | None, typer.Option("--dataset", help="the data set; absent: STREAMRANK_DATASET, or its default")
]
NAME = "dataset"


def on_a_data_set(command: Callable[..., None]) -> Callable[..., None]:
    """The command with the option --dataset, which chooses for it, and for what it starts, before it runs."""

    @functools.wraps(command)
    def chosen(*arguments: object, **options: object) -> None:
        if dataset := options.pop(NAME, None):
            choose(str(dataset))
        command(*arguments, **options)

    signature = inspect.signature(command)
    added = inspect.Parameter(NAME, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Dataset)
    chosen.__signature__ = signature.replace(parameters=[*signature.parameters.values(), added])
    chosen.__annotations__ = command.__annotations__ | {NAME: Dataset}
    return chosen


def choose(dataset: str) -> None:
    """Makes `dataset` the one that this process, and what it starts, works on. SettingRefused for what is no name."""
    from streamrank.environment import prepare
    from streamrank.settings import NAME as ALLOWED
    from streamrank.settings import SettingRefused, settings

    if not re.fullmatch(ALLOWED, dataset):
        raise SettingRefused(
            f"--dataset: expected letters, digits, - and _, a letter or digit first; found {dataset!r}; correct it"
        )
    os.environ["STREAMRANK_DATASET"] = dataset
    prepare()
    settings.cache_clear()
