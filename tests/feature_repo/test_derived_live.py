"""What the windows say together: values, missing inputs, and the same bits as lists and as columns."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feature_repo.derived_live import derive

COUNTED = [
    *(f"item_{sign}_{window}" for sign in ("clicks", "impressions") for window in ("10m", "1h", "24h")),
    *("item_views_10m", "item_views_1h", "item_sessions_1h", "item_long_sessions_1h"),
    *("user_views_24h", "ut_views_24h", "uc_views_24h"),
]
NOTHING_YET = dict.fromkeys(COUNTED, 0.0) | {"item_click_rate_60d": None}


def derived(**row: float | None) -> dict:
    columns = {name: [value] for name, value in (NOTHING_YET | row).items()}
    return {name: values[0] for name, values in derive(columns).items()}


@pytest.mark.parametrize(
    ("row", "feature", "expected"),
    [
        ({}, "item_click_rate_1h", 0.1),
        ({"item_click_rate_60d": 0.5}, "item_click_rate_10m", 0.5),
        ({"item_clicks_1h": 30.0, "item_impressions_1h": 80.0}, "item_click_rate_1h", 0.32),
        ({"item_clicks_24h": None, "item_impressions_24h": None}, "item_click_rate_24h", None),
        ({}, "item_long_session_rate_1h", 0.2),
        ({"item_long_sessions_1h": 5.0, "item_sessions_1h": 5.0}, "item_long_session_rate_1h", 0.6),
        ({"item_views_10m": 60.0, "item_views_1h": 60.0}, "item_views_slope", 0.2),
        ({"item_views_1h": 60.0}, "item_views_slope", -0.04),
        ({"ut_views_24h": 1.0, "user_views_24h": 4.0}, "user_topic_share_24h", 0.25),
        ({"uc_views_24h": None, "user_views_24h": 4.0}, "user_creator_share_24h", None),
        ({}, "user_topic_share_24h", None),
    ],
)
def test_each_feature_has_its_value_or_is_missing(row, feature, expected):
    found = derived(**row)[feature]
    assert found is None if expected is None else found == np.float32(expected)


COUNTS = st.none() | st.integers(0, 2**40).map(float)


@settings(deadline=None)
@given(
    st.lists(
        st.fixed_dictionaries(dict.fromkeys(COUNTED, COUNTS) | {"item_click_rate_60d": st.none() | st.floats(0, 1)})
    )
)
def test_lists_and_columns_give_the_same_bits(rows):
    columns = {name: [row[name] for row in rows] for name in NOTHING_YET}
    lists = derive(columns)
    arrays = derive({name: np.array(values, np.float64) for name, values in columns.items()})
    assert lists.keys() == arrays.keys()
    for name, values in arrays.items():
        assert values.dtype == np.float32
        from_lists = np.array([np.nan if value is None else value for value in lists[name]], np.float32)
        assert np.array_equal(values, from_lists, equal_nan=True)
