"""Features computed from windows when they are asked for: pure functions of columns, the same offline and online.

No clock, no randomness, no I/O. Feast stores the text of this file and runs it in processes that have no feature_repo,
so it uses numpy only.
"""

from collections.abc import Mapping, Sequence

import numpy as np

CLICKS_FROM = 20.0  # impressions at the item's own daily rate, from which a smoothed click rate starts
USUAL_CLICK_RATE = 0.1  # of an item that has no daily rate yet
LONG_FROM, USUAL_LONG_RATE = 5.0, 0.2  # the same for the share of sessions that are long ones

INPUTS = (  # Feast's own reads bring all columns of a request, keys among them
    "item_click_rate_60d",
    *(f"item_{sign}_{window}" for sign in ("clicks", "impressions") for window in ("10m", "1h", "24h")),
    *("item_views_10m", "item_views_1h", "item_sessions_1h", "item_long_sessions_1h"),
    *("user_views_24h", "ut_views_24h", "uc_views_24h"),
)

Column = list | np.ndarray


def derive(columns: Mapping[str, Column]) -> dict[str, np.ndarray | list]:
    """All derived features, each [rows], from input columns [rows].

    Numbers come as float64 arrays with NaN where missing, and features are float32 arrays. Feast gives and takes plain
    lists with None where missing: the same bits.
    """
    known = {name: np.asarray(columns[name], dtype=np.float64) for name in INPUTS}
    with np.errstate(over="ignore"):
        features = {name: values.astype(np.float32) for name, values in (rates(known) | trends(known)).items()}
    if isinstance(columns["item_views_1h"], list):
        return {name: none_where_missing(values) for name, values in features.items()}
    return features


def rates(known: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Clicks an impression and long sessions a session, drawn to what is usual where little was seen."""
    daily = known["item_click_rate_60d"]
    usual = np.where(np.isnan(daily), USUAL_CLICK_RATE, daily)
    clicks = {
        f"item_click_rate_{window}": smoothed(
            known[f"item_clicks_{window}"], known[f"item_impressions_{window}"], usual, CLICKS_FROM
        )
        for window in ("10m", "1h", "24h")
    }
    long = smoothed(known["item_long_sessions_1h"], known["item_sessions_1h"], USUAL_LONG_RATE, LONG_FROM)
    return clicks | {"item_long_session_rate_1h": long}


def trends(known: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """How an item's views change, and which share of a user's day it is that they spent with its topic and creator."""
    recent, hour = known["item_views_10m"] / 10, known["item_views_1h"] / 60
    return {
        "item_views_slope": (recent - hour) / 25,  # views a minute, gained a minute: the windows' middles lie 25 apart
        "user_topic_share_24h": ratio(known["ut_views_24h"], known["user_views_24h"]),
        "user_creator_share_24h": ratio(known["uc_views_24h"], known["user_views_24h"]),
    }


def smoothed(part: np.ndarray, whole: np.ndarray, usual: np.ndarray | float, weight: float) -> np.ndarray:
    return (part + weight * usual) / (whole + weight)


def ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Missing where the whole is 0 or missing."""
    return np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0)


def none_where_missing(values: np.ndarray) -> Sequence:
    """The float32 values as a list of numpy scalars, by which Feast knows the type, and None."""
    given = np.array([*values, None], dtype=object)[:-1]
    given[np.isnan(values)] = None
    return given.tolist()
