"""How features become what a network takes: on one scale, with whether each is missing, and a place for each code."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

FAR, REACH = 10.0, 4.0  # spreads from the middle: beyond which a column has a long tail, and nothing more is said
CODES = ("user_trait_", "surface_code", "hour", "weekday")
MOST_CODES, FEWEST_ROWS = 60, 100
"""A column of at most so many values, each in at least so many rows, has a place for each of those."""


@dataclass(frozen=True)
class Inputs:
    """Of each feature, float32 [width]: tailed (1 where its signed logarithm is taken), its middle and spread. Of each
    place for a code: code_of, int64, the feature's, and code, float32, its value."""

    tailed: np.ndarray
    middle: np.ndarray
    spread: np.ndarray
    code_of: np.ndarray
    code: np.ndarray

    @property
    def width(self) -> int:
        return len(self.middle)

    def of(self, matrix: np.ndarray) -> np.ndarray:
        """float32 [rows, 2 * width + codes]: scaled values, 0 where missing; 1 where missing; 1 where it is it."""
        values = np.where(self.tailed > 0, _logs(matrix), matrix)
        scaled = np.clip(np.nan_to_num((values - self.middle) / self.spread, nan=0), -REACH, REACH)
        return np.hstack([scaled, np.isnan(matrix), matrix[:, self.code_of] == self.code]).astype(np.float32)

    def by_feature(self, parts: np.ndarray) -> np.ndarray:
        """What the inputs add, [rows, inputs], as what the features add, [rows, width]."""
        values, gone, codes = np.split(parts, [self.width, 2 * self.width], axis=1)
        owner = self.code_of[:, None] == np.arange(self.width)
        return values + gone + codes @ owner.astype(parts.dtype)


def inputs_of(matrix: np.ndarray, names: Sequence[str]) -> Inputs:
    """As the columns are: float32 [rows, features], NaN where missing, and their names."""
    plain, logs = _middle_and_spread(matrix), _middle_and_spread(_logs(matrix))
    away = np.nan_to_num(np.abs(matrix - plain[0]) / plain[1])
    tailed = (away.max(axis=0, initial=0) > FAR).astype(np.float32)
    middle, spread = (np.where(tailed > 0, log, own).astype(np.float32) for own, log in zip(plain, logs, strict=True))
    coded = [(place, _codes(matrix[:, place])) for place, name in enumerate(names) if name.startswith(CODES)]
    code_of = np.concatenate([np.full(len(codes), place) for place, codes in coded] + [np.zeros(0)]).astype(np.int64)
    code = np.concatenate([codes for _, codes in coded] + [np.zeros(0)]).astype(np.float32)
    return Inputs(tailed, middle, spread, code_of, code)


def _codes(column: np.ndarray) -> np.ndarray:
    """The values that have a place of their own; none where one would be all, or there are too many."""
    values, rows = np.unique(column[~np.isnan(column)], return_counts=True)
    kept = values[rows >= FEWEST_ROWS]
    return kept if 2 <= len(kept) <= MOST_CODES else kept[:0]


def _logs(matrix: np.ndarray) -> np.ndarray:
    return np.sign(matrix) * np.log1p(np.abs(matrix))


def _middle_and_spread(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    known = ~np.isnan(matrix)
    count = np.maximum(known.sum(axis=0), 1)
    values = np.where(known, matrix, 0).astype(np.float64)
    middle = values.sum(axis=0) / count
    spread = np.sqrt(np.where(known, (values - middle) ** 2, 0).sum(axis=0) / count)
    return middle, np.where(spread > 0, spread, 1)
