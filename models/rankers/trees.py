"""Grown trees as a model: LambdaMART, the click model, their blend and the forest are all this once they are fitted."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Self

import numpy as np
import xgboost

from models.rankers.examples import FIRST_SLOT, SLOT

FILE = "model.ubj"


@dataclass(frozen=True)
class Trees:
    """booster: its last feature is the slot where it was grown with one."""

    booster: xgboost.Booster

    @property
    def width(self) -> int:
        return self.booster.num_features() - self._slots

    @cached_property
    def _slots(self) -> int:
        return int((self.booster.feature_names or [""])[-1] == SLOT)

    def score(self, matrix: np.ndarray) -> np.ndarray:
        return self.booster.inplace_predict(self._whole(matrix), predict_type="margin", validate_features=False)

    def contributions(self, matrix: np.ndarray) -> np.ndarray:
        """By TreeSHAP (Lundberg et al., 2020); what the fixed slot adds is the same for all and counts to the last."""
        rows = xgboost.DMatrix(self._whole(matrix), nthread=1)
        found = self.booster.predict(rows, pred_contribs=True, validate_features=False)
        found[:, self.width] = found[:, self.width :].sum(axis=1)
        return found[:, : self.width + 1]

    def save(self, folder: Path) -> None:
        self.booster.save_model(folder / FILE)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """One thread: threads that wait for each other make requests wait beside other work."""
        return cls(xgboost.Booster({"nthread": 1}, model_file=str(folder / FILE)))

    def _whole(self, matrix: np.ndarray) -> np.ndarray:
        if not self._slots:
            return np.ascontiguousarray(matrix, np.float32)
        whole = np.empty((len(matrix), matrix.shape[1] + 1), np.float32)
        whole[:, :-1], whole[:, -1] = matrix, FIRST_SLOT
        return whole
