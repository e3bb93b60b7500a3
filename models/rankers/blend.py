"""The click model and LambdaMART in one score: how likely a user is to want anything, and in which order.

Both margins are linear in the score, so one booster holds the trees of both and contributions add up as in each alone.
"""

from collections.abc import Mapping

import numpy as np
import xgboost

from models.fitting import held_out
from models.rankers import click, lambdamart
from models.rankers.examples import Examples
from models.rankers.measures import AREAS, measured, worth
from models.rankers.merging import merged
from models.rankers.trees import Trees

SHARES = (0.0, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0)
"""Tried weights of LambdaMART beside the click model's 1, in standard deviations of their margins."""
PARTS = {"click": click, "lambdamart": lambdamart}
load = Trees.load


def fit(examples: Examples, parameters: Mapping[str, object] | None = None) -> Trees:
    """parameters: `click` and `lambdamart`, those of each; `share`: LambdaMART's weight, chosen on the later slice
    when both are grown on the rest where it is absent; `counted`: the measures it is chosen by."""
    given = dict(parameters or {})
    pair = [kind.fit(examples, {**given.get(name, {}), "again": False}) for name, kind in PARTS.items()]
    late = held_out(examples.times)
    watched = examples.only(late) if late.any() else examples
    margins = [each.score(watched.matrix) for each in pair]
    unit = float(np.std(margins[0]) / max(np.std(margins[1]), 1e-9))
    share = given.get("share", _best(watched, margins[0], margins[1] * unit, given.get("counted", AREAS)))
    return Trees(merged(_grown_on_all(examples, given, pair), [1.0, float(share) * unit]))


def _grown_on_all(examples: Examples, given: dict, pair: list[Trees]) -> list[xgboost.Booster]:
    rounds = [each.booster.num_boosted_rounds() for each in pair]
    again = zip(PARTS.items(), rounds, strict=True)
    return [kind.fit(examples, {**given.get(name, {}), "exactly": count}).booster for (name, kind), count in again]


def _best(examples: Examples, clicks: np.ndarray, orders: np.ndarray, counted: tuple[str, ...]) -> float:
    return max(SHARES, key=lambda share: worth(measured(examples, clicks + share * orders), counted))
