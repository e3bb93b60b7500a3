"""What a new policy would have been worth, by the log of another that drew what it showed and wrote down how likely.

A row is something shown: with reward r (a click), the propensity p with which the logging policy showed it there, and
the probability q with which the new policy would. Its weight is w = q / p, at most `clip`.

- ips:   mean of w * r: unbiased without clipping, wide where the policies differ (Horvitz and Thompson, 1952).
- snips: sum of w * r / sum of w: slightly biased, much narrower (Swaminathan and Joachims, 2015).
- dr:    mean of what a model expects of the new policy, plus w * (r - what the model expects of what was shown): right
         where either the model or the propensities are (Dudik, Langford and Li, 2011).

Wherever the new policy does what the logging one never did, no estimate can know: `support` says how much there is to
go by, and an estimate of an effective sample of a few rows is worth what a few rows are.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models import bootstrap
from models.bootstrap import Interval

NORMAL = 1.959964  # 97.5 % quantile


@dataclass(frozen=True)
class Logged:
    """rewards, propensity (above 0, to 1), target (0 to 1, of the new policy): float64 [n].

    shown: what a model that has not seen the row expects of what was shown, [n]; chosen: of what the new policy shows
    in its place, the mean over its choices, [n]; None without a model. units: codes [n], rows that resemble each other
    (of a user), which intervals draw together; None where rows are independent.
    """

    rewards: np.ndarray
    propensity: np.ndarray
    target: np.ndarray
    shown: np.ndarray | None = None
    chosen: np.ndarray | None = None
    units: np.ndarray | None = None

    def __post_init__(self) -> None:
        _same_length(self)
        _expect("propensity", self.propensity, (self.propensity > 0) & (self.propensity <= 1), "above 0, at most 1")
        _expect("target", self.target, (self.target >= 0) & (self.target <= 1), "0 to 1")
        for name in ("rewards", "shown", "chosen"):
            values = getattr(self, name)
            if values is not None:
                _expect(name, values, np.isfinite(values), "finite")

    def weights(self, clip: float | None = None) -> np.ndarray:
        """q / p of each row, at most `clip`, float64 [n]."""
        weights = self.target / self.propensity
        return weights if clip is None else np.minimum(weights, clip)


@dataclass(frozen=True)
class Support:
    """How much the log knows of the new policy. rows: of the log. effective: as many rows of the new policy's own would
    tell as much, (sum w)^2 / sum w^2 (Kish). mean_weight: 1 but for chance where the log covers the policy. clipped:
    share of the rows whose weight was cut."""

    rows: int
    effective: float
    mean_weight: float
    greatest_weight: float
    clipped: float


def support(logged: Logged, clip: float | None = None) -> Support:
    """Of the weights as the estimates use them."""
    weights = logged.weights(clip)
    squares = float(weights @ weights)
    effective = float(weights.sum() ** 2 / squares) if squares else 0.0
    cut = 0.0 if clip is None else float((logged.weights() > clip).mean())
    return Support(len(weights), effective, float(weights.mean()), float(weights.max()), cut)


def ips(logged: Logged, clip: float | None = None, interval: str = "bootstrap") -> Interval:
    """Inverse propensity scores."""
    return estimates(logged, clip, interval, ("ips",))["ips"]


def snips(logged: Logged, clip: float | None = None, interval: str = "bootstrap") -> Interval:
    """Self-normalised inverse propensity scores; NaN where the new policy shows nothing that was shown."""
    return estimates(logged, clip, interval, ("snips",))["snips"]


def doubly_robust(logged: Logged, clip: float | None = None, interval: str = "bootstrap") -> Interval:
    """Doubly robust; ValueError without a model's expectations."""
    return estimates(logged, clip, interval, ("dr",))["dr"]


def estimates(
    logged: Logged, clip: float | None = None, interval: str = "bootstrap", names: Sequence[str] | None = None
) -> dict[str, Interval]:
    """Those of `names`, or all, "dr" where there is a model. interval: 95 %, "bootstrap" (all by the same draws) or
    "normal" (quicker; too narrow where a few rows weigh most)."""
    names = names or ("ips", "snips", "dr")[: 2 if logged.chosen is None else 3]
    columns = [_values(name, logged, logged.weights(clip)) for name in names]
    values, weights = (np.stack(side, axis=1) for side in zip(*columns, strict=True))
    units = np.arange(len(values)) if logged.units is None else logged.units
    if interval == "bootstrap":
        return dict(zip(names, bootstrap.means(values, units, weights), strict=True))
    if interval == "normal":
        return {name: _normal(values[:, at], units, weights[:, at]) for at, name in enumerate(names)}
    raise ValueError(f"interval: expected 'bootstrap' or 'normal', found {interval!r}")


def _values(name: str, logged: Logged, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What an estimate is the mean of, [n], and how often each counts, [n]."""
    if name == "snips":
        return logged.rewards, weights
    if name == "ips":
        return weights * logged.rewards, np.ones(len(weights))
    if logged.shown is None or logged.chosen is None:
        raise ValueError("doubly robust: expected what a model expects in `shown` and `chosen`, found none; use snips")
    return logged.chosen + weights * (logged.rewards - logged.shown), np.ones(len(weights))


def _normal(values: np.ndarray, units: np.ndarray, weights: np.ndarray) -> Interval:
    """The weighted mean, its variance by the delta method over units."""
    if not weights.sum():
        return Interval(float("nan"), float("nan"), float("nan"))
    mean = float(weights @ values / weights.sum())
    _, unit = np.unique(units, return_inverse=True)
    off = np.bincount(unit, weights * (values - mean))
    half = NORMAL * float(np.sqrt(off @ off)) / float(weights.sum())
    return Interval(mean, mean - half, mean + half)


def _same_length(logged: Logged) -> None:
    sizes = {name: len(values) for name, values in vars(logged).items() if values is not None}
    if len(set(sizes.values())) != 1 or not len(logged.rewards):
        raise ValueError(f"log: expected columns of one length, at least 1, found {sizes}")


def _expect(name: str, values: np.ndarray, holds: np.ndarray, what: str) -> None:
    if not holds.all():
        wrong = np.asarray(values)[~holds]
        raise ValueError(
            f"log: {name}: expected {what}, found {wrong[:3].tolist()} in {len(wrong)} of {len(values)} rows; leave "
            "out rows that were not drawn, or repair what writes the log"
        )
