"""Sides of `streamrank bench train`: kinds of rankers on the same made-up examples, and plain XGBoost."""

import time
from typing import Any

import numpy as np
import xgboost

from models.fitting import PARAMETERS
from models.rankers import kinds
from models.rankers.click import PARAMETERS as CLICK
from models.rankers.examples import Examples
from models.rankers.model import Model
from models.retrieval.source import StepsAside

SEED, GROUP, REQUEST, ASKED = 11, 10, 200, 200
NOT_XGBOOSTS = ("rounds", "weighted", "again")


def examples(rows: int, features: int) -> Examples:
    """Groups of ten whose wishes follow from a user's feature, an item's and a product, with 5 % missing."""
    random = np.random.default_rng(SEED)
    matrix = random.random((rows, features), dtype=np.float32)
    wish = matrix[:, 0] + matrix[:, 1] * matrix[:, 2] + random.normal(0, 0.3, rows)
    matrix[random.random(matrix.shape, dtype=np.float32) < 0.05] = np.nan
    groups = np.arange(rows) // GROUP
    names = [f"{'user' if place % 2 else 'item'}_{place}" for place in range(features)]
    return Examples(matrix, (wish > np.median(wish)).astype(np.int8), groups, groups * 1_000, features=names)


def kind(name: str, rows: int, features: int, rounds: int) -> dict[str, Any] | None:
    """Seconds to fit a kind, rows a second, and milliseconds to score a request; None where the kind steps aside.

    Boosted trees are grown for exactly `rounds`; the others by their own defaults.
    """
    given, exact = examples(rows, features), {"exactly": rounds}
    parameters = {"lambdamart": exact, "click": exact, "blend": {"click": exact, "lambdamart": exact, "share": 1.0}}
    begun = time.perf_counter()
    try:
        model = kinds.fit(name, given, parameters.get(name))
    except StepsAside:
        return None
    return _figures(time.perf_counter() - begun, rows, _scored(model, given.matrix)) | {"scores": _sample(model, given)}


def plain(rows: int, features: int, rounds: int) -> dict[str, Any]:
    """XGBoost itself, with the parameters of the click model."""
    given = examples(rows, features)
    parameters = {name: value for name, value in (PARAMETERS | CLICK).items() if name not in NOT_XGBOOSTS}
    begun = time.perf_counter()
    part = xgboost.DMatrix(given.matrix, given.labels, feature_names=list(given.features), nthread=1)
    booster = xgboost.train(parameters, part, rounds)
    seconds = time.perf_counter() - begun
    scores = booster.inplace_predict(given.matrix[:REQUEST], predict_type="margin", validate_features=False)
    return _figures(seconds, rows) | {"scores": scores.tolist()}


def _scored(model: Model, matrix: np.ndarray) -> float:
    """Milliseconds of one request, the median of many."""
    spent = []
    for turn in range(ASKED):
        begun = time.perf_counter()
        model.score(matrix[turn : turn + REQUEST])
        spent.append(time.perf_counter() - begun)
    return float(np.median(spent)) * 1_000


def _figures(seconds: float, rows: int, p50_ms: float | None = None) -> dict[str, Any]:
    found = {"seconds": round(seconds, 4), "rows_per_s": round(rows / seconds)}
    return found if p50_ms is None else found | {"score_ms": round(p50_ms, 4)}


def _sample(model: Model, given: Examples) -> list[float]:
    return model.score(given.matrix[:REQUEST]).tolist()
