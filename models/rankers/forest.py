"""A random forest (Breiman, 2001), as Amp ranked its shows with: deep trees, each on a draw of rows and features."""

from collections.abc import Mapping

import xgboost

from models.fitting import part
from models.rankers.examples import Examples
from models.rankers.trees import Trees

PARAMETERS = {
    "objective": "binary:logistic", "num_parallel_tree": 200, "eta": 1.0, "max_depth": 10, "min_child_weight": 5.0,
    "subsample": 0.63, "colsample_bynode": 0.3, "lambda": 0.0, "seed": 7, "nthread": 1,
}  # fmt: skip
load = Trees.load


def fit(examples: Examples, parameters: Mapping[str, object] | None = None) -> Trees:
    """One round of trees side by side, whose leaves average to the logit. parameters: those of XGBoost."""
    return Trees(xgboost.train(PARAMETERS | dict(parameters or {}), part(examples, ranks=False), 1))
