"""What everybody does right now, item by item: what trends, who watches, what is clicked, from windows of all items."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from models.retrieval.trending import Trending
from streamrank.clock import HOUR

WINDOWS = {"10m": HOUR // 6, "1h": HOUR, "24h": 24 * HOUR, "168h": 168 * HOUR}
ACTS = ("views", "clicks", "sessions")
LONGEST = "168h"
WATCHING = "item_viewers_now"

FEATURES = (
    *(f"item_live:item_{act}_{window}" for act in ACTS for window in WINDOWS),
    f"item_live:item_impressions_{LONGEST}",
    f"item_viewers:{WATCHING}",
)
"""The features that it is made of."""


@dataclass(frozen=True)
class Standing:
    """Arrays [items], as many as there were when it was made; asked for more, the others stand for nothing yet.

    acts: by length of window in us, float32. impressions, clicks: of a week. watching: float32, NaN where nobody
    counts. recent: `Moment.recent`.
    """

    acts: Mapping[int, np.ndarray]
    impressions: np.ndarray
    clicks: np.ndarray
    watching: np.ndarray
    recent: np.ndarray

    def __len__(self) -> int:
        return len(self.recent)

    def acted_within(self, hours: float, items: int) -> np.ndarray:
        """bool [items]: whether anyone is watching, or acted on it within so many hours, by the shortest window that
        covers them, or the longest."""
        length = next((length for length in WINDOWS.values() if length >= hours * HOUR), WINDOWS[LONGEST])
        watched = np.nan_to_num(as_long(self.watching, items, 0)) > 0
        return watched | (as_long(self.acts[length], items, 0) > 0)


def standing_of(columns: Mapping[str, np.ndarray], trending: Trending, now_us: int) -> Standing:
    """columns: FEATURES by their names without the view, float32 [items], NaN where missing."""
    acts = {
        length: sum(np.nan_to_num(columns[f"item_{act}_{window}"]) for act in ACTS)
        for window, length in WINDOWS.items()
    }
    return Standing(
        acts=acts,
        impressions=np.nan_to_num(columns[f"item_impressions_{LONGEST}"]),
        clicks=np.nan_to_num(columns[f"item_clicks_{LONGEST}"]),
        watching=columns[WATCHING],
        recent=trending.recent(acts, now_us),
    )


def as_long(values: np.ndarray, items: int, otherwise: float) -> np.ndarray:
    """float32 [items]: the values, and `otherwise` for items that came since."""
    if len(values) == items:
        return values
    return np.concatenate([values, np.full(items - len(values), otherwise, np.float32)])
