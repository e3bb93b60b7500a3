"""Why an item stands where it does: the features that moved its score most, in words that a person reads.

What each feature adds to a score is its Shapley value (Lundberg et al., 2018, "Consistent individualized feature
attribution for tree ensembles"), as the ranker gives them: they add up to the score.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.feature_words import told

MOST = 5


@dataclass(frozen=True)
class Contribution:
    """What one feature adds to a score. value: of the feature, None where it is missing. text: it in words."""

    feature: str
    value: float | None
    contribution: float
    text: str


@dataclass(frozen=True)
class Explanation:
    """A score in parts: base + the contributions + rest == score, but for float32's rounding.

    base: what every item starts from. contributions: the largest, by size, of those that are a reason: what is known,
    and not the same of all that is explained. rest: of all other features together.
    """

    base: float
    contributions: list[Contribution]
    rest: float


def explanations(
    features: Sequence[str], matrix: np.ndarray, contributions: np.ndarray, most: int = MOST,
    among: np.ndarray | None = None,
) -> list[Explanation]:  # fmt: skip
    """One for each row.

    features: names of the matrix's columns. matrix: float32 [rows, features], NaN where missing. contributions: float32
    [rows, features + 1], the last column what all rows have, as `Model.contributions` gives them. most: how many are
    told apart; those that add nothing are not, nor what is missing or the same in all of several rows, which says
    nothing of why one item stands before another. among: float32 [candidates, features], of which the rows are some:
    what a source's score is worth is told by how many of them have less.
    """
    if contributions.shape != (len(matrix), len(features) + 1):
        raise ValueError(
            f"contributions: expected [{len(matrix)}, {len(features) + 1}] for {len(features)} features and a base, "
            f"found {list(contributions.shape)}"
        )
    parts = contributions.astype(np.float64)
    sizes = np.where(_telling(matrix), np.abs(parts[:, :-1]), 0)
    largest = np.argsort(-sizes, axis=1, kind="stable")[:, :most]
    return [
        _explanation(features, values, own, places[size[places] != 0], among)
        for values, own, size, places in zip(matrix, parts, sizes, largest, strict=True)
    ]


def _telling(matrix: np.ndarray) -> np.ndarray:
    """bool [rows, features]: known, and where there are several rows not the same in all of them."""
    known = ~np.isnan(matrix)
    if len(matrix) < 2:
        return known
    return known & ~(known.all(axis=0) & (matrix == matrix[:1]).all(axis=0))


def _explanation(
    features: Sequence[str], values: np.ndarray, parts: np.ndarray, places: np.ndarray, among: np.ndarray | None
) -> Explanation:
    rest = parts[:-1].sum() - parts[places].sum()
    named = [
        _contribution(features[place], float(values[place]), float(parts[place]), _above(values[place], place, among))
        for place in places.tolist()
    ]
    return Explanation(float(parts[-1]), named, float(rest))


def _contribution(feature: str, value: float, contribution: float, above: float | None) -> Contribution:
    known = None if np.isnan(value) else value
    return Contribution(feature, known, contribution, told(feature, known, above))


def _above(value: np.float32, place: int, among: np.ndarray | None) -> float | None:
    """The share of the others whose value is less, equal ones counted half; None without others."""
    if among is None:
        return None
    others = among[:, place]
    known = np.count_nonzero(~np.isnan(others)) - 1
    less, same = np.count_nonzero(others < value), np.count_nonzero(others == value) - 1
    return (less + same / 2) / known if known > 0 else None
