"""What users do not want to see again, and since when."""

from dataclasses import dataclass, field

import numpy as np

NOTHING = np.zeros(0, np.int64)


@dataclass(frozen=True)
class HiddenItems:
    """One row an item that a user hid, by user and time. users, items: int64 places. times: int64, when known."""

    users: np.ndarray = field(default_factory=lambda: NOTHING)
    items: np.ndarray = field(default_factory=lambda: NOTHING)
    times: np.ndarray = field(default_factory=lambda: NOTHING)

    def by(self, user: int, instant: int) -> np.ndarray:
        """Places of what the user had hidden before `instant`; none of -1, who is nobody."""
        begin, end = np.searchsorted(self.users, [user, user + 1]) if user >= 0 else (0, 0)
        return self.items[begin : begin + np.searchsorted(self.times[begin:end], instant, "left")]
