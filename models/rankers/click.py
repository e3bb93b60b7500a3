"""The click model: trees grown on whether each row was wanted, by its log loss; the score is the logit."""

from collections.abc import Mapping

from models.fitting import grow, log_loss
from models.rankers.examples import Examples
from models.rankers.trees import Trees
from models.rankers.tuning import tree_space

PARAMETERS = {
    "objective": "binary:logistic", "eta": 0.04, "max_depth": 5, "min_child_weight": 20.0, "colsample_bytree": 0.3,
    "rounds": 800, "weighted": False,  # a weight would move the chance away from what comes
}  # fmt: skip
load, search = Trees.load, tree_space


def fit(examples: Examples, parameters: Mapping[str, object] | None = None) -> Trees:
    """parameters: those of XGBoost that replace the usual ones, and `rounds`."""
    return Trees(grow(examples, PARAMETERS | dict(parameters or {}), log_loss))
