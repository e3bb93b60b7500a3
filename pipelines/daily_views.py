"""The daily feature views: per key, which sums over which windows, and the features they make."""

from collections.abc import Mapping
from dataclasses import dataclass

from duckdb import DuckDBPyConnection

from pipelines.batch_events import FRACTION
from pipelines.daily_windows import DailyWindows, running_sums

LONG, WEEK, DAY = 60, 7, 1

PRIOR_IMPRESSIONS = 20
"""A smoothed click rate starts from this many impressions at the rate of all keys together."""

EVERYTHING = DailyWindows(keys={}, sums={"clicks": (LONG, WEEK), "impressions": (LONG, WEEK)})
"""The sums over all events, which give the rate that a key's own is smoothed to."""


@dataclass(frozen=True)
class DailyView:
    """A Feast view of this name: its windows, and feature -> SQL over the states and the global ones (`all_...`)."""

    name: str
    windows: DailyWindows
    features: Mapping[str, str]


def click_rate(days: int) -> str:
    """Clicks per impression drawn to the rate of all keys; null where the window holds no impression of any key."""
    prior = f"{PRIOR_IMPRESSIONS} * (all_clicks_{days}d::DOUBLE / nullif(all_impressions_{days}d, 0)::DOUBLE)"
    return f"(clicks_{days}d + {prior}) / (impressions_{days}d + {PRIOR_IMPRESSIONS})"


def mean(total: str, count: str) -> str:
    """A fixed-point sum divided once, in float64; null where nothing was counted."""
    return f"{total}_{LONG}d::DOUBLE / nullif({count}_{LONG}d * {FRACTION}, 0)::DOUBLE"


COUNTS = {"impressions": (LONG,), "views": (LONG,), "likes": (LONG,)}
RATE = {"clicks": (LONG,)}
WATCHED = {"watched": (LONG,), "watches": (LONG,)}
RATED = {"rated": (LONG,), "ratings": (LONG,)}
RECENT = {"views": (LONG, WEEK)}


def _counted(prefix: str, *more: str) -> dict[str, str]:
    return {f"{prefix}_{state}": state for state in ("impressions_60d", "views_60d", "likes_60d", *more)}


VIEWS = (
    DailyView(
        "item_daily",
        DailyWindows(
            keys={"item_id": "item_id"},
            sums=COUNTS | RATED | WATCHED
            | {"impressions": (LONG, WEEK), "clicks": (LONG, WEEK), "views": (LONG, WEEK, DAY)},
        ),
        _counted("item", "views_7d", "views_1d")
        | {
            "item_click_rate_60d": click_rate(LONG),
            "item_click_rate_7d": click_rate(WEEK),
            "item_watch_ratio_60d": mean("watched", "watches"),
            "item_rating_60d": mean("rated", "ratings"),
        },
    ),
    DailyView(
        "creator_daily",
        DailyWindows(
            keys={"creator_id": "creator_id"},
            sums=COUNTS | RATE | WATCHED | RECENT | {"follows": (LONG,)},
        ),
        _counted("creator", "follows_60d", "views_7d")
        | {"creator_click_rate_60d": click_rate(LONG), "creator_watch_ratio_60d": mean("watched", "watches")},
    ),
    DailyView(
        "topic_daily",
        DailyWindows(keys={"topic": "topic"}, sums=COUNTS | RATE | RECENT),
        _counted("topic", "views_7d") | {"topic_click_rate_60d": click_rate(LONG)},
    ),
    DailyView(
        "user_daily",
        DailyWindows(
            keys={"user_id": "user_id"},
            sums=COUNTS | RATE | WATCHED | RATED | RECENT | {"activity": (LONG,)},
            once_a_day=frozenset({"activity"}),
        ),
        _counted("user", "views_7d")
        | {
            "user_active_days_60d": "activity_60d",
            "user_click_rate_60d": click_rate(LONG),
            "user_watch_ratio_60d": mean("watched", "watches"),
            "user_rating_60d": mean("rated", "ratings"),
        },
    ),
    DailyView(
        "user_topic_daily",
        DailyWindows(keys={"user_id": "user_id", "topic": "topic"}, sums=COUNTS | RATE | WATCHED | RATED),
        _counted("ut")
        | {
            "ut_click_rate_60d": click_rate(LONG),
            "ut_watch_ratio_60d": mean("watched", "watches"),
            "ut_rating_60d": mean("rated", "ratings"),
        },
    ),
    DailyView(
        "user_creator_daily",
        DailyWindows(keys={"user_id": "user_id", "creator_id": "creator_id"}, sums=COUNTS | RATE | WATCHED),
        _counted("uc")
        | {"uc_click_rate_60d": click_rate(LONG), "uc_watch_ratio_60d": mean("watched", "watches")},
    ),
)  # fmt: skip


def create_everything(connection: DuckDBPyConnection, last_day: int) -> None:
    """Makes the table `everything` of the sums over all of `batch_events`, which `feature_rows` reads."""
    connection.execute(f"CREATE TEMP TABLE everything AS {running_sums(EVERYTHING, 'batch_events', last_day)}")


def feature_rows(view: DailyView, last_day: int) -> str:
    """SQL of a view's rows: its keys, `day` (since 1970-01-01 UTC) and its features as of that day's end, float32.

    The rate that click rates are smoothed to is that of all events as of the same day.
    """
    keys = ", ".join(view.windows.keys)
    everything = ", ".join(f"a.{state} AS all_{state}" for state in EVERYTHING.states)
    features = ", ".join(f"({expression})::FLOAT AS {name}" for name, expression in view.features.items())
    return f"""
SELECT {keys}, day, {features} FROM (
  SELECT s.*, {everything} FROM ({running_sums(view.windows, "batch_events", last_day)}) s
  ASOF LEFT JOIN everything a ON s.day >= a.day
)"""
