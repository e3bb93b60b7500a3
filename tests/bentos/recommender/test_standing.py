"""What everybody does: who acted within some hours, and what trends, from the windows of all items."""

import numpy as np
import pytest

from bentos.recommender.standing import FEATURES, Standing, standing_of
from models.retrieval.trending import Trending

NOW = 1_000_000_000_000_000


def standing(**told: list[float]) -> Standing:
    """Of three items; columns that are not told are 0."""
    names = [feature.partition(":")[2] for feature in FEATURES]
    assert set(told) <= set(names)
    columns = {name: np.array(told.get(name, [0, 0, 0]), np.float32) for name in names}
    return standing_of(columns, Trending(3_600_000_000), NOW)


@pytest.mark.parametrize(
    ("hours", "window"), [(0.1, "10m"), (0.5, "1h"), (2, "24h"), (24, "24h"), (48, "168h"), (999, "168h")]
)
def test_the_shortest_window_that_covers_the_hours_tells_who_acted(hours, window):
    found = standing(**{f"item_sessions_{window}": [0, 2, np.nan]})
    assert found.acted_within(hours, 3).tolist() == [False, True, False]


def test_whoever_watches_now_counts_whatever_the_window():
    found = standing(item_viewers_now=[1, 0, np.nan])
    assert found.acted_within(1, 3).tolist() == [True, False, False]


def test_items_that_came_since_stand_for_nothing_yet():
    assert standing(item_views_10m=[1, 1, 1]).acted_within(0.1, 5).tolist() == [True, True, True, False, False]


def test_what_is_acted_on_lately_trends():
    lately = {f"item_views_{window}": [9, 5, 0] for window in ("10m", "1h", "24h", "168h")}
    older = lately | {f"item_views_{window}": [9, 50, 0] for window in ("24h", "168h")}
    recent, before = standing(**lately).recent, standing(**older).recent
    assert recent[0] > recent[1] > recent[2] == 0
    assert before[1] - recent[1] < 5, "what is hours ago counts little"


def test_before_anything_is_read_nothing_is_known():
    nothing = standing_of({name.partition(":")[2]: np.zeros(0, np.float32) for name in FEATURES}, Trending(1.0), NOW)
    assert len(nothing) == 0 and not nothing.impressions.any()
