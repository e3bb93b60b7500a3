"""What is believed of an item's rate, from its outcomes: a Beta posterior on a fixed set of rates.

A Beta on the whole interval has no closed form for "this one is the greatest of many". On RATES rates, spread evenly in
log odds, all of it is a finite sum, and what is drawn is drawn from just this: the probability is exact, and not an
approximation of something else. Each rate has 1.13 times the odds of the one before, fine enough to explore by.

The prior is that of all the items asked about: their common rate, with the weight of PRIOR impressions. So an item that
nobody has seen is tried as if it were like the others, and not as if half of its viewers would click.
"""

import numpy as np

RATES = 64
ODDS = np.linspace(np.log(0.0005 / 0.9995), 0, RATES)
PRIOR = 20.0
PRIOR_RATES = (0.001, 0.4)  # bounds of the common rate: inside the rates above

LOGS = np.stack([-np.log1p(np.exp(-ODDS)), -np.log1p(np.exp(ODDS))])  # of the rate and of the rest, [2, RATES]


def posteriors(impressions: np.ndarray, clicks: np.ndarray) -> np.ndarray:
    """The distribution function of Beta(clicks + a, impressions - clicks + b) of each item: float64 [n, RATES],
    the probability of a rate or a smaller one.

    Clicks above the impressions are read as that many impressions: an outcome may come without its impression. What is
    not known (NaN) is read as none.
    """
    clicks = np.nan_to_num(np.asarray(clicks, np.float64))
    shown = np.maximum(np.nan_to_num(np.asarray(impressions, np.float64)), clicks)
    rate = np.clip(np.sum(clicks) / max(shown.sum(), 1), *PRIOR_RATES)
    counts = np.stack([clicks + PRIOR * rate, shown - clicks + PRIOR * (1 - rate)], axis=1)
    logs = counts @ LOGS  # the density of the log odds: x^a (1 - x)^b
    upto = np.cumsum(np.exp(logs - logs.max(axis=1, keepdims=True)), axis=1)
    return upto / upto[:, -1:]


def draw(upto: np.ndarray, random: np.random.Generator) -> int:
    """The row of `upto` [n, RATES] that draws the greatest rate; of equal ones the first."""
    return int((upto <= random.random(len(upto))[:, None]).sum(axis=1).argmax())


def chance(upto: np.ndarray, row: int) -> float:
    """The probability that `draw` gives this row: rows before it must draw less, rows behind it no more."""
    less = np.append(float(row == 0), upto[:row, :-1].prod(axis=0))
    return float((np.diff(upto[row], prepend=0) * less * upto[row + 1 :].prod(axis=0)).sum())
