"""The figures of a bench: our side, stock Feast's and the practical limit's, and how they compare."""

from dataclasses import dataclass, field
from typing import Any

Numbers = dict[str, Any]
MEASURES = ("seconds", "p50_ms")
RATES = ("keys_per_s", "events_per_s")


@dataclass(frozen=True)
class Figure:
    """One comparison. stock, limit: None where not run. agree: whether all answers were equal, None if none to compare.

    more: further figures, among them variants, each with the same keys.
    """

    bench: str
    size: Numbers
    ours: Numbers
    stock: Numbers | None
    limit: Numbers | None
    agree: bool | None
    more: Numbers = field(default_factory=dict)

    def as_dict(self) -> Numbers:
        """The JSON object: vs_stock is stock/ours, how much faster; vs_limit ours/limit, how much slower."""
        ratios = {"vs_stock": ratio(self.stock, self.ours), "vs_limit": ratio(self.ours, self.limit)}
        sides = {"ours": self.ours, "stock": self.stock, "limit": self.limit}
        return {"bench": self.bench, "size": self.size, **sides, **ratios, "agree": self.agree, **self.more}

    def variant(self) -> Numbers:
        """The same without the bench's name, to stand inside another figure."""
        return {name: value for name, value in self.as_dict().items() if name != "bench"}


def ratio(slow: Numbers | None, fast: Numbers | None) -> float | None:
    """How many times longer `slow` takes; by keys or events a second where both count them, as sizes may differ."""
    if slow is None or fast is None:
        return None
    for rate in RATES:
        if rate in slow and rate in fast:
            return round(fast[rate] / slow[rate], 3)
    (measure,) = [name for name in MEASURES if name in slow and name in fast]
    return round(slow[measure] / fast[measure], 3)
