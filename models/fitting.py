"""How trees are grown: how many is found on the latest of the groups, then as many are grown on all of them."""

from collections.abc import Callable, Mapping
from dataclasses import replace

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
    """The booster of as many rounds as were best by `measure`, lower is better, on the later slice when grown on the
    rest: those rounds, grown on all, since what is latest tells most of what comes next.

    parameters: of XGBoost, over PARAMETERS, and `rounds`: the most of them; `exactly`: how many, where that is known;
    `weighted`: whether weights count, they do where it is absent; `again`: whether all are grown on at last. The same
    input gives the same trees.
    """
    given = PARAMETERS | dict(parameters)
    most, again, weighted = int(given.pop("rounds", ROUNDS)), given.pop("again", True), given.pop("weighted", True)
    exactly = given.pop("exactly", None)
    ranks = str(given["objective"]).startswith("rank:")
    given.setdefault("monotone_constraints", {name: 1 for name in examples.features if name in RISING})
    examples = examples if weighted else replace(examples, weights=None)
    late = held_out(examples.times)
    if exactly or not late.any():
        return xgboost.train(given, part(examples, ranks), exactly or most // 4)
    stopped = xgboost.train(
        given, part(examples.only(~late), ranks), most, evals=[(part(examples.only(late), ranks), "later")],
        custom_metric=measure, early_stopping_rounds=PATIENCE, verbose_eval=False,
    )  # fmt: skip
    rounds = stopped.best_iteration + 1
    return xgboost.train(given, part(examples, ranks), rounds) if again else stopped[:rounds]


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
