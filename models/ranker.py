"""The ranker: boosted trees that order a request's candidates, and the order of the columns they take."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xgboost

MODEL, ABOUT = "model.ubj", "model.json"


@dataclass(frozen=True)
class Ranker:
    """features: names in the order of the matrix's columns. about: what else `model.json` says of the model."""

    booster: xgboost.Booster
    features: list[str]
    about: dict

    def score(self, matrix: np.ndarray) -> np.ndarray:
        """float32 [rows] from float32 [rows, features], NaN where missing; higher ranks first within one request.

        ValueError when the matrix has another number of columns than the model.
        """
        if matrix.ndim != 2 or matrix.shape[1] != len(self.features):
            raise ValueError(f"matrix: expected [rows, {len(self.features)}], found {list(matrix.shape)}")
        if not len(matrix):
            return np.zeros(0, np.float32)
        return self.booster.inplace_predict(np.ascontiguousarray(matrix, np.float32), validate_features=False)

    def save(self, folder: Path) -> None:
        """Writes `model.ubj` and `model.json` into `folder`."""
        folder.mkdir(parents=True, exist_ok=True)
        self.booster.save_model(folder / MODEL)
        about = {"features": self.features, **self.about}
        (folder / ABOUT).write_text(json.dumps(about, indent=1) + "\n")

    @classmethod
    def load(cls, folder: Path | str) -> "Ranker":
        """The ranker that `save` wrote; ValueError when the trees were grown on another number of features."""
        booster = xgboost.Booster(model_file=str(Path(folder) / MODEL))
        about = json.loads((Path(folder) / ABOUT).read_text())
        features = about.pop("features")
        if booster.num_features() != len(features):
            raise ValueError(
                f"{folder}: {MODEL} takes {booster.num_features()} features, {ABOUT} names {len(features)}: "
                f"the two files do not belong together"
            )
        return cls(booster, features, about)
