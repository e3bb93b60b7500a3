"""Logistic regression: the baseline that any tree must beat, and the score that is plainest to explain."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from sklearn.linear_model import LogisticRegression

from models.rankers.examples import FIRST_SLOT, Examples

FILE = "model.logistic.npz"
STRENGTH = 0.1  # the inverse of the penalty's weight


@dataclass(frozen=True)
class Logistic:
    """Of each feature, all float64 [width]: the middle and spread of its signed logarithm, its slope, and what a
    missing one adds. intercept: float64 []."""

    middle: np.ndarray
    spread: np.ndarray
    slope: np.ndarray
    missing: np.ndarray
    intercept: np.ndarray

    @property
    def width(self) -> int:
        return len(self.middle)

    def score(self, matrix: np.ndarray) -> np.ndarray:
        return self._terms(matrix).sum(axis=1).astype(np.float32)

    def contributions(self, matrix: np.ndarray) -> np.ndarray:
        return self._terms(matrix).astype(np.float32)

    def _terms(self, matrix: np.ndarray) -> np.ndarray:
        known = (logs(matrix) - self.middle) / self.spread * self.slope
        terms = np.where(np.isnan(matrix), self.missing, known)
        return np.column_stack([terms, np.full(len(matrix), self.intercept)])

    def save(self, folder: Path) -> None:
        np.savez(folder / FILE, **vars(self))

    @classmethod
    def load(cls, folder: Path) -> Self:
        with np.load(folder / FILE, allow_pickle=False) as found:
            return cls(**{name: found[name] for name in found.files})


load = Logistic.load


def fit(examples: Examples, parameters: Mapping[str, object] | None = None) -> Logistic:
    """parameters: `strength`, the inverse of the penalty's weight."""
    strength = float(dict(parameters or {}).get("strength", STRENGTH))
    matrix, _ = examples.with_slot()
    values, gone = logs(matrix), np.isnan(matrix)
    middle, spread = middle_and_spread(values, ~gone)
    inputs = np.hstack([np.where(gone, 0, (values - middle) / spread), gone])
    fitted = LogisticRegression(C=strength, max_iter=300).fit(inputs, examples.labels, examples.weights)
    slope, missing = np.split(fitted.coef_[0], 2)
    return _in_first_slot(Logistic(middle, spread, slope, missing, fitted.intercept_[0]), len(examples.features))


def _in_first_slot(model: Logistic, width: int) -> Logistic:
    """The model without the columns behind `width`: what the first slot adds goes to the intercept."""
    slot = np.full((1, model.width), FIRST_SLOT, np.float32)
    intercept = model.intercept + model._terms(slot)[0, width:-1].sum()
    return Logistic(*(values[:width] for values in list(vars(model).values())[:4]), intercept)


def logs(matrix: np.ndarray) -> np.ndarray:
    """Counts and times have long tails, which a straight line cannot follow."""
    values = matrix.astype(np.float64)
    return np.sign(values) * np.log1p(np.abs(values))


def middle_and_spread(values: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    count = np.maximum(known.sum(axis=0), 1)
    middle = np.where(known, values, 0).sum(axis=0) / count
    spread = np.sqrt(np.where(known, (values - middle) ** 2, 0).sum(axis=0) / count)
    return middle, np.where(spread > 0, spread, 1)
