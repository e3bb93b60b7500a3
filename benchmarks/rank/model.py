"""The ranker that every side scores with: 200 trees of depth 6 over the features of the request, NaN for missing."""

from pathlib import Path

import numpy as np
import xgboost

TREES, DEPTH, ROWS = 200, 6, 20_000


def fit(folder: str, features: int) -> None:
    """Fits a ranker on made-up rows with missing values and saves it as `model.ubj`."""
    rng = np.random.default_rng(11)
    matrix = rng.random((ROWS, features), dtype=np.float32)
    labels = matrix[:, 0] + matrix[:, 1] * matrix[:, 2] + rng.normal(0, 0.1, ROWS)
    matrix[rng.random(matrix.shape) < 0.05] = np.nan
    options = {"max_depth": DEPTH, "eta": 0.1, "nthread": 1, "objective": "reg:squarederror"}
    xgboost.train(options, xgboost.DMatrix(matrix, labels), TREES).save_model(Path(folder) / "model.ubj")


def load(folder: Path) -> xgboost.Booster:
    return xgboost.Booster({"nthread": 1}, model_file=folder / "model.ubj")
