"""How the ranker is grown: XGBoost's rank:ndcg, stopped early on the latest of the groups it is given."""

import numpy as np
import xgboost

HELD_OUT = 0.15  # of the groups, the latest
ROUNDS, PATIENCE = 400, 20
PARAMETERS = {
    "objective": "rank:ndcg",
    "disable_default_eval_metric": 1,
    "lambdarank_pair_method": "topk",
    "lambdarank_num_pair_per_sample": 10,
    "eta": 0.1,
    "max_depth": 4,
    "min_child_weight": 1.0,
    "subsample": 0.8,
    "colsample_bytree": 0.7,
    "seed": 7,
    "nthread": 1,  # sets of this size are grown faster by one than by two that wait for each other
}

RISING = frozenset({
    "item_views_60d", "item_views_7d", "item_likes_60d", "item_rating_60d", "item_click_rate_60d", "topic_overlap",
    "ut_views_60d", "ut_likes_60d", "ut_rating_60d", "uc_views_60d", "uc_likes_60d", "user_topic_share",
    "user_creator_share",
})  # fmt: skip
"""Features of which more never lowers a score: with few positives, trees would otherwise learn the noise between."""


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
    rising = {name: 1 for name in features if name in RISING}
    booster = xgboost.train(
        PARAMETERS | {"monotone_constraints": rising} | changes, parts[0], ROUNDS if watched else ROUNDS // 4,
        evals=watched, custom_metric=_surprise, early_stopping_rounds=PATIENCE if watched else None, verbose_eval=False,
    )  # fmt: skip
    return booster[: booster.best_iteration + 1] if watched else booster


def _surprise(scores: np.ndarray, part: xgboost.DMatrix) -> tuple[str, float]:
    """The mean over positives of -log softmax(score) within their group.

    Growing stops on this and not on NDCG: over some hundred groups NDCG jumps with every tie and swap, and stopped
    after 3 rounds or 300 by chance, while this falls smoothly as long as there is something to learn.
    """
    begins = part.get_uint_info("group_ptr").astype(np.int64)[:-1]
    lengths = np.diff(np.append(begins, len(scores)))
    highest = np.repeat(np.maximum.reduceat(scores, begins), lengths)
    odds = np.exp(scores.astype(np.float64) - highest)
    chosen = scores - highest - np.repeat(np.log(np.add.reduceat(odds, begins)), lengths)
    labels = part.get_label()
    return "surprise", -float(chosen @ labels / max(labels.sum(), 1))


def _part(
    matrix: np.ndarray, labels: np.ndarray, groups: np.ndarray, features: list[str], rows: np.ndarray
) -> xgboost.DMatrix:
    codes = np.unique(groups[rows], return_inverse=True)[1]
    return xgboost.DMatrix(matrix[rows], labels[rows], qid=codes, feature_names=features)
