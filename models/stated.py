"""What users said of themselves, and since when."""

from bisect import bisect_left
from dataclasses import dataclass, field

Told = tuple[list[int], list[tuple[str, ...]]]


@dataclass(frozen=True)
class Stated:
    """by_user: user_id -> (instants from which on something was known, rising; the topics stated from each on)."""

    by_user: dict[str, Told] = field(default_factory=dict)

    def topics(self, user_id: str, instant: int) -> tuple[str, ...]:
        """The topics stated last before `instant`; none where none were."""
        times, topics = self.by_user.get(user_id, ([], []))
        place = bisect_left(times, instant)
        return topics[place - 1] if place else ()
