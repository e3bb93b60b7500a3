"""New items are lifted for a week, less from day to day.

An item that has just begun is lifted by `strength` standard deviations of the list's own scores. So it means the same
whatever the ranker's scale, and a list whose scores say nothing (all equal) stays as it is.
"""

from dataclasses import dataclass, replace

import numpy as np

from models.items import OPEN_BEGIN
from models.rerank.step import Context, Ranked
from models.rerank.words import moves

DAY_US = 86_400_000_000
LEAST = 0.05  # of the lift, at the end of the days, where it fades exponentially


@dataclass(frozen=True)
class Fresh:
    """strength: in standard deviations of the scores. days: until nothing is left. fade: "linear" or "exponential"."""

    strength: float
    days: float = 7.0
    fade: str = "linear"
    name: str = "fresh"

    def lacks(self, context: Context) -> str | None:
        known = (context.moment.begins > OPEN_BEGIN).any()
        return None if known else "nobody knows when an item began"

    def apply(self, ranked: Ranked, context: Context) -> Ranked:
        begins = context.moment.begins[ranked.places]
        age = _age(begins, context.moment.now_us)
        lift = self.strength * (ranked.scores.std() if len(ranked) else 0) * self._left(age)
        lifted = replace(ranked, boost=lift if ranked.boost is None else ranked.boost + lift)
        order = np.argsort(-lifted.values, kind="stable")
        rose = order[order > np.arange(len(order))]
        why = {at: _how_new(age[at]) for at in rose.tolist()}
        return lifted.reordered(order, moves(ranked, order, context.k, why, "new", "newer items came above it"))

    def _left(self, age: np.ndarray) -> np.ndarray:
        """Share of the lift that is left at an age in days, 1 at the beginning and 0 from `days` on."""
        share = np.clip(age / self.days, 0, 1)
        return np.where(share < 1, LEAST**share if self.fade == "exponential" else 1 - share, 0.0)


def _how_new(days: float) -> str:
    whole = int(days)
    return f"new, {whole} day{'s' if whole > 1 else ''} old" if whole else "new today"


def _age(begins: np.ndarray, now_us: int) -> np.ndarray:
    """Days, infinite where the beginning is unknown; what begins in the future is as new as what begins now."""
    return np.where(begins > OPEN_BEGIN, np.maximum(now_us - begins.astype(np.float64), 0) / DAY_US, np.inf)
