"""LambdaMART (Burges, 2010): trees grown on the order within groups, by XGBoost's rank:ndcg."""

from collections.abc import Mapping

from models.fitting import grow, surprise
from models.rankers.examples import Examples
from models.rankers.trees import Trees
from models.rankers.tuning import tree_space

PARAMETERS = {
    "objective": "rank:ndcg",
    "lambdarank_pair_method": "topk",
    "lambdarank_num_pair_per_sample": 10,
    "ndcg_exp_gain": 0,
}
load, search = Trees.load, tree_space


def fit(examples: Examples, parameters: Mapping[str, object] | None = None) -> Trees:
    """parameters: those of XGBoost over the usual ones, and `rounds`. A positive's weight is its gain."""
    return Trees(grow(examples, PARAMETERS | dict(parameters or {}), surprise))
