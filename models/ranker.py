"""The ranker: a model of any kind that orders a request's candidates, and the order of the columns it takes."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xgboost

from models.rankers import kinds
from models.rankers.model import Model
from models.rankers.trees import Trees

ABOUT = "model.json"
OLDEST = "lambdamart"  # what a folder that names no kind holds


@dataclass(frozen=True)
class Ranker:
    """model: of `kind`. features: names in the order of the matrix's columns. about: what else `model.json` says."""

    model: Model
    features: list[str]
    about: dict
    kind: str = OLDEST

    @classmethod
    def of(cls, booster: xgboost.Booster, features: list[str], about: dict) -> "Ranker":
        """The ranker that holds these trees."""
        return cls(Trees(booster), features, about)

    def score(self, matrix: np.ndarray) -> np.ndarray:
        """float32 [rows] from float32 [rows, features], NaN where missing; higher ranks first within one request.

        ValueError when the matrix has another number of columns than the model.
        """
        self._check(matrix)
        return self.model.score(matrix) if len(matrix) else np.zeros(0, np.float32)

    def contributions(self, matrix: np.ndarray) -> np.ndarray | None:
        """float32 [rows, features + 1] that adds up to the score: of each feature, then what all rows have in common.

        None where this kind of model cannot say. ValueError as in `score`.
        """
        self._check(matrix)
        return self.model.contributions(matrix) if len(matrix) else np.zeros((0, len(self.features) + 1), np.float32)

    def save(self, folder: Path) -> None:
        """Writes the model's files and `model.json` into `folder`."""
        folder.mkdir(parents=True, exist_ok=True)
        self.model.save(folder)
        about = {"kind": self.kind, "features": self.features, **self.about}
        (folder / ABOUT).write_text(json.dumps(about, indent=1) + "\n")

    @classmethod
    def load(cls, folder: Path | str) -> "Ranker":
        """The ranker that `save` wrote; ValueError when the model was fit on another number of features."""
        about = json.loads((Path(folder) / ABOUT).read_text())
        features, kind = about.pop("features"), about.pop("kind", OLDEST)
        model = kinds.load(kind, Path(folder))
        if model.width != len(features):
            raise ValueError(
                f"{folder}: the model takes {model.width} features, {ABOUT} names {len(features)}: "
                f"the files do not belong together"
            )
        return cls(model, features, about, kind)

    def _check(self, matrix: np.ndarray) -> None:
        if matrix.ndim != 2 or matrix.shape[1] != len(self.features):
            raise ValueError(f"matrix: expected [rows, {len(self.features)}], found {list(matrix.shape)}")
