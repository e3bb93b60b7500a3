"""The click model: trees grown on whether each row was wanted, by its log loss; the score is the logit."""

from collections.abc import Mapping

from models.fitting import grow, log_loss
from models.rankers.examples import Examples
from models.rankers.trees import Trees

PARAMETERS = {"objective": "binary:logistic", "eta": 0.05, "max_depth": 5}
load = Trees.load


def fit(examples: Examples, parameters: Mapping[str, object] | None = None) -> Trees:
    """parameters: those of XGBoost that replace the usual ones, and `rounds`."""
    return Trees(grow(examples, PARAMETERS | dict(parameters or {}), log_loss))
