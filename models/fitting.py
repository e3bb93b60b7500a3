"""How the ranker is grown: XGBoost's rank:ndcg, stopped early on the latest of the groups it is given."""

import numpy as np
import xgboost

HELD_OUT = 0.15  # of the groups, the latest
ROUNDS, PATIENCE = 600, 40
PARAMETERS = {
    "objective": "rank:ndcg",
    "eval_metric": "ndcg@10",
    "lambdarank_pair_method": "topk",
    "lambdarank_num_pair_per_sample": 10,
    "eta": 0.05,
    "max_depth": 4,
    "min_child_weight": 1.0,
    "subsample": 0.8,
    "colsample_bytree": 0.7,
    "seed": 7,
    "nthread": 2,
}


def held_out(times: np.ndarray) -> np.ndarray:
    """Which rows belong to the later slice that growing is stopped on, bool [rows]; equal times are on one side.

    times: when each row's group is asked, [rows]. None are where all groups are asked at once.
    """
    instants, rows = np.unique(times, return_counts=True)
    begins = instants[np.searchsorted(np.cumsum(rows), (1 - HELD_OUT) * len(times))] if len(times) else 0
    return times >= begins if len(times) and begins > instants[0] else np.zeros(len(times), bool)


def grow(
    matrix: np.ndarray,
    labels: np.ndarray,
    groups: np.ndarray,
    times: np.ndarray,
    features: list[str],
    **changes: object,
) -> xgboost.Booster:
    """The booster fit on all but the later slice, cut to its best round on that slice.

    matrix: float32 [rows, features], NaN where missing. labels: 0 or 1. groups: ascending codes. times: see `held_out`.
    changes: parameters that replace PARAMETERS. The same input gives the same trees.
    """
    late = held_out(times)
    parts = [_part(matrix, labels, groups, features, rows) for rows in (~late, late) if rows.any()]
    watched = [(part, "later") for part in parts[1:]]
    booster = xgboost.train(
        PARAMETERS | changes, parts[0], ROUNDS if watched else ROUNDS // 4, evals=watched,
        early_stopping_rounds=PATIENCE if watched else None, verbose_eval=False,
    )  # fmt: skip
    return booster[: booster.best_iteration + 1] if watched else booster


def _part(
    matrix: np.ndarray, labels: np.ndarray, groups: np.ndarray, features: list[str], rows: np.ndarray
) -> xgboost.DMatrix:
    codes = np.unique(groups[rows], return_inverse=True)[1]
    return xgboost.DMatrix(matrix[rows], labels[rows], qid=codes, feature_names=features)
