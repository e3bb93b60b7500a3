"""Whether off-policy estimates tell the truth: from the log of one Open Bandit policy, what the other one earned.

Both policies were really in use, so the mean of the other log is the answer, known but for chance. The policies do not
look at the user; a row's action is an item in a slot. Uniform's probabilities are known. Those of Thompson sampling
changed with what it learned and stand in its own log for what it showed; on average over the week they are the shares
with which it showed each item in each slot, which is all that is taken from the log that is to be foretold.
"""

from dataclasses import asdict
from pathlib import Path

import numpy as np
import pyarrow as pa

from catalog.open_bandit import CAMPAIGNS, log
from models import bootstrap, off_policy
from models.off_policy import Logged
from models.outcome_rates import cross_fitted

CLIP = 100.0  # in the second set of estimates: without it a row may stand for thousands
NAMES = {"random": "uniform", "bts": "Thompson sampling"}


def check(cache: Path) -> dict:
    """Campaign -> direction -> on-policy mean, support and estimates, each with whether its interval holds the mean.

    cache: where the logs are or are fetched to. InputError when they cannot be.
    """
    return {campaign: _campaign(cache, campaign) for campaign in CAMPAIGNS}


def _campaign(cache: Path, campaign: str) -> dict:
    logs = {policy: log(cache, policy, campaign) for policy in NAMES}
    items = 1 + max(int(np.max(rows["item"])) for rows in logs.values())
    choices = {policy: _choices(policy, rows, items) for policy, rows in logs.items()}
    return {
        f"{NAMES[known]} -> {NAMES[asked]}": _foretold(logs[known], choices[asked], _on_policy(logs[asked]))
        for known, asked in (("bts", "random"), ("random", "bts"))
    }


def _choices(policy: str, rows: pa.Table, items: int) -> np.ndarray:
    """The probability with which the policy shows each item in each slot, float64 [slots, items]."""
    slots = rows["slot"].to_numpy() - 1
    if policy == "random":
        return np.full((slots.max() + 1, items), 1 / items)
    shown = np.bincount(slots * items + rows["item"].to_numpy(), minlength=(slots.max() + 1) * items)
    shown = shown.reshape(-1, items)
    return shown / shown.sum(axis=1, keepdims=True)


def _on_policy(rows: pa.Table) -> bootstrap.Interval:
    clicks = rows["click"].to_numpy().astype(np.float64)
    return bootstrap.mean(clicks, np.arange(len(clicks)))


def _foretold(rows: pa.Table, choices: np.ndarray, earned: bootstrap.Interval) -> dict:
    logged = _logged(rows, choices)
    return {
        "on policy": asdict(earned),
        "estimates": {
            name: {
                "support": asdict(off_policy.support(logged, clip)),
                **{
                    estimator: asdict(found) | {"covers": bool(found.low <= earned.mean <= found.high)}
                    for estimator, found in off_policy.estimates(logged, clip).items()
                },
            }
            for name, clip in (("unclipped", None), (f"weights at most {CLIP:g}", CLIP))
        },
    }


def _logged(rows: pa.Table, choices: np.ndarray) -> Logged:
    items, slots = rows["item"].to_numpy(), rows["slot"].to_numpy() - 1
    clicks = rows["click"].to_numpy().astype(np.float64)
    expected, every = cross_fitted(items, clicks, choices.shape[1]), np.arange(len(items))
    return Logged(
        rewards=clicks, propensity=rows["propensity"].to_numpy(), target=choices[slots, items],
        shown=expected[every, items], chosen=(choices[slots] * expected).sum(axis=1),
    )  # fmt: skip
