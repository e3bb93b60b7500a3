"""How trees are grown: stopped early on the latest of the groups, then, where asked, grown again on all of them."""

from collections.abc import Callable, Mapping

import numpy as np
import xgboost

from models.rankers.examples import Examples

HELD_OUT = 0.15  # of the groups, the latest
ROUNDS, PATIENCE = 400, 20
PARAMETERS = {
    "disable_default_eval_metric": 1,
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

Measure = Callable[[np.ndarray, xgboost.DMatrix], tuple[str, float]]


def held_out(times: np.ndarray, share: float = HELD_OUT) -> np.ndarray:
    """Which rows belong to the later slice that growing is stopped on, bool [rows]; equal times are on one side.

    times: when each row's group is asked, [rows]. None are where all groups are asked at once.
    """
    instants, rows = np.unique(times, return_counts=True)
    begins = instants[np.searchsorted(np.cumsum(rows), (1 - share) * len(times))] if len(times) else 0
    return times >= begins if len(times) and begins > instants[0] else np.zeros(len(times), bool)


def grow(examples: Examples, parameters: Mapping[str, object], measure: Measure) -> xgboost.Booster:
    """The booster fit on all but the later slice, cut to its best round there by `measure`, lower is better.

    parameters: of XGBoost, over PARAMETERS; `rounds` among them: the most rounds. The same input gives the same trees.
    """
    given = PARAMETERS | dict(parameters)
    rounds, ranks = int(given.pop("rounds", ROUNDS)), str(given["objective"]).startswith("rank:")
    late = held_out(examples.times)
    parts = [part(examples.only(rows), ranks) for rows in (~late, late) if rows.any()]
    watched = [(each, "later") for each in parts[1:]]
    given.setdefault("monotone_constraints", {name: 1 for name in examples.features if name in RISING})
    booster = xgboost.train(
        given, parts[0], rounds if watched else rounds // 4, evals=watched, custom_metric=measure,
        early_stopping_rounds=PATIENCE if watched else None, verbose_eval=False,
    )  # fmt: skip
    return booster[: booster.best_iteration + 1] if watched else booster


def part(examples: Examples, ranks: bool) -> xgboost.DMatrix:
    """The examples as XGBoost takes them: with groups and the weights as gains where it ranks, else weighted rows."""
    matrix, names = examples.with_slot()
    if not ranks:
        return xgboost.DMatrix(matrix, examples.labels, weight=examples.weights, feature_names=names, nthread=1)
    gains = examples.labels if examples.weights is None else examples.labels * examples.weights
    codes = np.unique(examples.groups, return_inverse=True)[1]
    return xgboost.DMatrix(matrix, gains, qid=codes, feature_names=names, nthread=1)


def surprise(scores: np.ndarray, part: xgboost.DMatrix) -> tuple[str, float]:
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


def log_loss(chances: np.ndarray, part: xgboost.DMatrix) -> tuple[str, float]:
    """The weighted mean of -log of the chance given to what came."""
    labels, weights = part.get_label(), part.get_weight()
    given = np.where(labels > 0, chances, 1 - chances).astype(np.float64)
    return "log_loss", float(np.average(-np.log(np.maximum(given, 1e-12)), weights=weights if len(weights) else None))
