"""How sure a mean is: 95 % intervals by drawing the users anew, with a fixed seed.

A user's requests resemble each other, so whole users are drawn, not requests: an interval that took each request as a
fact of its own would be too narrow. The difference of two scorers is taken request by request before it is averaged.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from models.metrics import auc as area
from models.metrics import auc_draws

DRAWS = 1_000
AREA_DRAWS = 400  # of an AUC, where every row counts in every draw
SEED = 7
BLOCK_CELLS = 4_000_000  # bounds the memory of a block of draws


@dataclass(frozen=True)
class Interval:
    """A mean and the 2.5 % and 97.5 % quantiles of its bootstrap distribution."""

    mean: float
    low: float
    high: float


def mean(values: np.ndarray, users: np.ndarray, weights: np.ndarray | None = None) -> Interval:
    """The weighted mean of `values` [n] over those that are no NaN. users: whom each belongs to, codes [n]."""
    known = ~np.isnan(values)
    weights = np.ones(len(values)) if weights is None else weights
    _, unit = np.unique(users[known], return_inverse=True)
    total = np.bincount(unit, (values * weights)[known])
    weight = np.bincount(unit, weights[known].astype(np.float64))
    if not weight.sum():
        return Interval(float("nan"), float("nan"), float("nan"))
    draws = np.concatenate([(counts @ total) / (counts @ weight) for counts in _counts(len(total), len(total), DRAWS)])
    return _interval(total.sum() / weight.sum(), draws)


def means(values: np.ndarray, users: np.ndarray, weights: np.ndarray | None = None) -> list[Interval]:
    """The mean of each column of `values` [n, columns] over those that are no NaN; all by the same draws.

    weights: [n, columns], how often each value counts; once where absent.
    """
    owners, unit = np.unique(users, return_inverse=True)
    counted = ~np.isnan(values) * (1.0 if weights is None else weights)
    total, weight = np.zeros((len(owners), values.shape[1])), np.zeros((len(owners), values.shape[1]))
    np.add.at(total, unit, np.nan_to_num(values) * counted)
    np.add.at(weight, unit, counted)
    with np.errstate(invalid="ignore", divide="ignore"):
        found = total.sum(axis=0) / weight.sum(axis=0)
        blocks = _counts(len(owners), len(owners), DRAWS)
        draws = np.concatenate([(counts @ total) / (counts @ weight) for counts in blocks])
    return [_interval(value, column) for value, column in zip(found, draws.T, strict=True)]


def difference(
    values: np.ndarray, others: np.ndarray, users: np.ndarray, weights: np.ndarray | None = None
) -> Interval:
    """The mean of `values` - `others`, paired: both [n] belong to the same requests in the same order."""
    return mean(values - others, users, weights)


def auc(labels: np.ndarray, scores: np.ndarray, users: np.ndarray) -> Interval:
    """AUC over all rows [n], its interval by drawing users."""
    codes, unit = np.unique(users, return_inverse=True)
    blocks = _counts(len(codes), len(labels), AREA_DRAWS)
    draws = [auc_draws(labels, scores, lambda order, counts=counts: counts[:, unit[order]]) for counts in blocks]
    return _interval(area(labels, scores), np.concatenate(draws))


def _counts(units: int, rows: int, total: int) -> Iterator[np.ndarray]:
    """`total` draws in blocks [draws, units]: how often each unit is in a draw of as many with replacement."""
    random = np.random.default_rng(SEED)
    block = max(1, min(total, BLOCK_CELLS // max(rows, 1)))
    for start in range(0, total, block):
        draws = min(block, total - start)
        drawn = random.integers(0, units, (draws, units)) + np.arange(draws)[:, None] * units
        yield np.bincount(drawn.ravel(), minlength=draws * units).reshape(draws, units).astype(np.float64)


def _interval(value: float, draws: np.ndarray) -> Interval:
    draws = draws[~np.isnan(draws)]
    low, high = np.quantile(draws, [0.025, 0.975]) if len(draws) else (np.nan, np.nan)
    return Interval(float(value), float(low), float(high))
