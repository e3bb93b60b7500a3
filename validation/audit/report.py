"""What an audit found, in total and by feature."""

from dataclasses import asdict, dataclass, field

from validation.audit.compare import Counts


@dataclass(frozen=True)
class Report:
    """features: by name. rows, requests: audited. fallbacks: rows that were answered without features, left out.

    first, last: ISO instants of the first and last request, None without one. seconds: what the audit took.
    """

    dataset: str
    service: str
    audited_at: str
    sample: float
    rows: int
    requests: int
    fallbacks: int
    first: str | None
    last: str | None
    seconds: float
    features: dict[str, Counts] = field(default_factory=dict)

    def total(self, name: str) -> int:
        """The sum of a count over all features."""
        return sum(getattr(each, name) for each in self.features.values())

    @property
    def sound(self) -> bool:
        """Whether nothing is mismatched and nothing missing."""
        return not self.total("mismatched") and not self.total("missing")

    def as_json(self) -> dict:
        """The totals, what was audited, and `features`: name -> counts."""
        counted = ("compared", "equal", "nonzero", "mismatched", "missing", "in_flight")
        about = {name: value for name, value in asdict(self).items() if name != "features"}
        asked, stale = self.total("asked"), self.total("stale")
        return {
            **{name: self.total(name) for name in counted},
            "largest_difference": max((each.largest_difference for each in self.features.values()), default=0.0),
            "freshness": {"asked": asked, "stale": stale, "share": stale / asked if asked else 0.0},
            **about,
            "features": {name: asdict(each) for name, each in self.features.items()},
        }
