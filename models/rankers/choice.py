"""Which of a group's rows did they want? A conditional logit (McFadden 1974): linear, and fitted within groups.

Each wanted row counts as a draw from its group's softmax. What all rows of a group share (how active a user is) cancels
out, so that with a handful of good source scores it orders lists better than trees, which learn that first.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Self

import numpy as np

from models.rankers.examples import Examples

FILE = "model.choice.npz"
RIDGE = 10.0
STEPS, CLOSE = 25, 1e-4
FAR = 10.0  # spreads from the middle, beyond which a column has a long tail
REACH = 6.0  # spreads from the middle, beyond which nothing more is said


@dataclass(frozen=True)
class Choice:
    """Of each feature, all float64 [width]: tailed (1 where its signed logarithm is taken), its middle and spread, its
    slope, and what a missing one adds."""

    tailed: np.ndarray
    middle: np.ndarray
    spread: np.ndarray
    slope: np.ndarray
    missing: np.ndarray

    @property
    def width(self) -> int:
        return len(self.middle)

    def score(self, matrix: np.ndarray) -> np.ndarray:
        return self._terms(matrix).sum(axis=1).astype(np.float32)

    def contributions(self, matrix: np.ndarray) -> np.ndarray:
        return np.column_stack([self._terms(matrix), np.zeros(len(matrix))]).astype(np.float32)

    def _terms(self, matrix: np.ndarray) -> np.ndarray:
        return self.scaled(matrix) * self.slope + np.isnan(matrix) * self.missing

    def scaled(self, matrix: np.ndarray) -> np.ndarray:
        """float64 [rows, width], 0 where missing."""
        values = np.where(self.tailed > 0, _logs(matrix), matrix)
        return np.nan_to_num(np.clip((values - self.middle) / self.spread, -REACH, REACH))

    def save(self, folder: Path) -> None:
        np.savez(folder / FILE, **vars(self))

    @classmethod
    def load(cls, folder: Path) -> Self:
        with np.load(folder / FILE, allow_pickle=False) as found:
            return cls(**{name: found[name] for name in found.files})


load = Choice.load


def fit(examples: Examples, parameters: Mapping[str, object] | None = None) -> Choice:
    """parameters: `ridge`, the weight of the penalty. A positive's weight is how often it was wanted."""
    matrix, _ = examples.with_slot()
    scale = _scale(matrix.astype(np.float64))
    inputs = np.hstack([scale.scaled(matrix), np.isnan(matrix)])
    wanted = examples.labels * np.float64(1 if examples.weights is None else examples.weights)
    slopes = _slopes(inputs, wanted, examples.groups, float(dict(parameters or {}).get("ridge", RIDGE)))
    slope, missing = np.split(slopes, 2)
    columns = (scale.tailed, scale.middle, scale.spread, slope, missing)
    return Choice(*(values[: len(examples.features)] for values in columns))  # all are shown in one slot


def _slopes(inputs: np.ndarray, wanted: np.ndarray, groups: np.ndarray, ridge: float) -> np.ndarray:
    """By Newton's method, whose steps are held short, and halved until they lead upwards: where features say nearly
    the same, whole ones leap from side to side."""
    begins = np.flatnonzero(np.r_[True, groups[1:] != groups[:-1]])
    group = np.cumsum(np.r_[False, groups[1:] != groups[:-1]])
    likelihood = partial(_likelihood, inputs=inputs, wanted=wanted, begins=begins, group=group, ridge=ridge)
    draws, slopes = np.add.reduceat(wanted, begins), np.zeros(inputs.shape[1])
    for _ in range(STEPS):
        shares = _shares(inputs @ slopes, begins, group)
        expected = np.add.reduceat(shares[:, None] * inputs, begins)
        gradient = wanted @ inputs - draws @ expected - ridge * slopes
        bend = (inputs.T * (shares * draws[group])) @ inputs - (expected.T * draws) @ expected
        step = np.clip(np.linalg.solve(bend + ridge * np.eye(len(slopes)), gradient), -1, 1)
        now = likelihood(slopes)
        while likelihood(slopes + step) < now and np.abs(step).max() >= CLOSE:
            step = step / 2
        slopes = slopes + step
        if np.abs(step).max() < CLOSE:
            break
    return slopes


def _likelihood(
    slopes: np.ndarray, inputs: np.ndarray, wanted: np.ndarray, begins: np.ndarray, group: np.ndarray, ridge: float
) -> float:
    """The logarithm of that of what was wanted, less the penalty."""
    utility = inputs @ slopes
    chance = np.log(np.maximum(_shares(utility, begins, group)[wanted > 0], np.finfo(float).tiny))
    return float(chance @ wanted[wanted > 0] - ridge / 2 * slopes @ slopes)


def _shares(utility: np.ndarray, begins: np.ndarray, group: np.ndarray) -> np.ndarray:
    """The softmax within each group."""
    raised = np.exp(utility - np.maximum.reduceat(utility, begins)[group])
    return raised / np.add.reduceat(raised, begins)[group]


def _scale(matrix: np.ndarray) -> Choice:
    """How columns are brought to one scale, with no slopes yet."""
    plain, logs = _middle_and_spread(matrix), _middle_and_spread(_logs(matrix))
    away = np.nan_to_num(np.abs(matrix - plain[0]) / plain[1])
    tailed = (away.max(axis=0, initial=0) > FAR).astype(np.float64)
    middle, spread = (np.where(tailed > 0, log, own) for own, log in zip(plain, logs, strict=True))
    return Choice(tailed, middle, spread, np.zeros(len(middle)), np.zeros(len(middle)))


def _logs(matrix: np.ndarray) -> np.ndarray:
    values = matrix.astype(np.float64)
    return np.sign(values) * np.log1p(np.abs(values))


def _middle_and_spread(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    known = ~np.isnan(values)
    count = np.maximum(known.sum(axis=0), 1)
    middle = np.where(known, values, 0).sum(axis=0) / count
    spread = np.sqrt(np.where(known, (values - middle) ** 2, 0).sum(axis=0) / count)
    return middle, np.where(spread > 0, spread, 1)
