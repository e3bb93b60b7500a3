"""The score of one source as a ranker: what must be beaten, and what is kept where nothing can be learned."""

from dataclasses import replace

import numpy as np

from models.rankers.examples import Examples
from models.rankers.logistic import Logistic
from models.rankers.measures import LISTS, measured

LAST = -100.0  # what is not known comes behind all that is


def measured_alone(examples: Examples, sources: list[str]) -> dict[str, dict[str, float]]:
    """Source -> how well its score alone orders the examples."""
    return {name: measured(examples, model_alone().score(column(examples, name).matrix)) for name in sources}


def best_alone(measures: dict[str, dict[str, float]]) -> str:
    """The source that does best; ValueError where there is none."""
    if not measures:
        raise ValueError("sources: expected at least one that could be fitted, found none; bring more acts")
    return max(measures, key=lambda name: np.nan_to_num(measures[name][LISTS[0]]))


def column(examples: Examples, source: str) -> Examples:
    """The examples with nothing but one source's score."""
    name = f"{source}_score"
    place = list(examples.features).index(name)
    return replace(examples, matrix=examples.matrix[:, [place]], features=[name])


def model_alone() -> Logistic:
    """A model of one feature whose order is that feature's."""
    one = np.ones(1)
    return Logistic(0 * one, one, one, LAST * one, np.zeros(()))
