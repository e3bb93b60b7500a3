"""Several boosters as one, whose margin is their weighted sum: it is scored, explained and saved like any other."""

import json
from collections.abc import Sequence

import numpy as np
import xgboost

LEAF = -1


def merged(boosters: Sequence[xgboost.Booster], weights: Sequence[float]) -> xgboost.Booster:
    """One booster with the trees of all, each leaf times its booster's weight; all take the same features.

    ValueError where they do not. The sum differs from that of the margins by float32 rounding only.
    """
    if len({tuple(each.feature_names or ()) for each in boosters}) != 1:
        raise ValueError("boosters: expected the same features in all; grow them on the same examples")
    models = [json.loads(bytes(each.save_raw("json"))) for each in boosters]
    trees = [
        _scaled(tree, weight)
        for model, weight in zip(models, weights, strict=True)
        for tree in model["learner"]["gradient_booster"]["model"]["trees"]
    ]
    whole = models[0]
    whole["learner"]["objective"] = {"name": "reg:squarederror", "reg_loss_param": {"scale_pos_weight": "1"}}
    _put(whole["learner"]["gradient_booster"]["model"], trees)
    _set_base(whole, 0.0)
    _set_base(whole, _margin(boosters, weights) - float(_on_nothing(_loaded(whole))))
    return _loaded(whole)


def _scaled(tree: dict, weight: float) -> dict:
    leaves = np.array(tree["left_children"]) == LEAF
    for name in ("split_conditions", "base_weights"):  # a leaf's value stands where a node has its condition
        values = np.array(tree[name])
        tree[name] = np.where(leaves, values * weight, values).tolist()
    return tree


def _put(model: dict, trees: list[dict]) -> None:
    model["trees"] = [tree | {"id": place} for place, tree in enumerate(trees)]
    model["tree_info"] = [0] * len(trees)
    model["iteration_indptr"] = list(range(len(trees) + 1))
    model["gbtree_model_param"] |= {"num_trees": str(len(trees)), "num_parallel_tree": "1"}


def _set_base(model: dict, score: float) -> None:
    model["learner"]["learner_model_param"]["base_score"] = f"[{score!r}]"


def _loaded(model: dict) -> xgboost.Booster:
    booster = xgboost.Booster({"nthread": 1})
    booster.load_model(bytearray(json.dumps(model).encode()))
    return booster


def _margin(boosters: Sequence[xgboost.Booster], weights: Sequence[float]) -> float:
    return sum(float(_on_nothing(each)) * weight for each, weight in zip(boosters, weights, strict=True))


def _on_nothing(booster: xgboost.Booster) -> np.float32:
    nothing = np.full((1, booster.num_features()), np.nan, np.float32)
    return booster.inplace_predict(nothing, predict_type="margin", validate_features=False)[0]
