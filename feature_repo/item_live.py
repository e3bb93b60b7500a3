"""How an item fares right now, in all and where it is shown."""

from entities import item, surface
from feast.aggregation import Aggregation
from windows import DAY, HOUR, TEN_MINUTES, WEEK, counted, live_view, over

ITEM = {"item_id": "item_id"}
SHOWN = ("impressions", "clicks", "views")
SIGNS = (*SHOWN, "likes", "follows", "shares", "notifications", "watch_ms", "sessions", "long_sessions")
WINDOWS = (TEN_MINUTES, HOUR, DAY, WEEK)

item_live = live_view(
    "item_live",
    [item],
    ITEM,
    ["impression", "click", "view", "like", "rating", "follow", "share", "notify", "session"],
    [
        *counted("item", SIGNS, *WINDOWS),
        *(over(window, "mean", "watch_ms", "item_mean_watch_ms") for window in WINDOWS),
    ],
    "What happened with an item lately. A session of more than 5 minutes is a long one.",
)

item_viewers = live_view(
    "item_viewers",
    [item],
    ITEM,
    ["session_start", "session"],
    [Aggregation("viewers", "sum", name="item_viewers_now")],
    "How many are watching an item right now: those whose session began and has not ended.",
)

surface_item_live = live_view(
    "surface_item_live",
    [surface, item],
    {"shown_on": "surface", **ITEM},
    ["impression", "click", "view"],
    list(counted("surface_item", SHOWN, HOUR, DAY)),
    "How an item fares where it is shown.",
)
