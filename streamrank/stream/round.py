"""What one micro-batch did."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Round:
    """merged: keys merged; skipped: keys that held it already.
    lags: by shard, seconds from the arrival of its oldest event to the commit. recovered: open
    intents that other owners had left."""

    events: int = 0
    merged: int = 0
    skipped: int = 0
    lags: Mapping[int, float] = field(default_factory=dict)
    recovered: int = 0

    def __add__(self, other: "Round") -> "Round":
        """What both did."""
        return Round(
            self.events + other.events, self.merged + other.merged, self.skipped + other.skipped,
            {**self.lags, **other.lags}, self.recovered + other.recovered,
        )  # fmt: skip
