"""How a creator's items fare right now."""

from entities import creator
from windows import DAY, HOUR, WEEK, counted, live_view

creator_live = live_view(
    "creator_live",
    [creator],
    {"creator_id": "creator_id"},
    ["impression", "view", "like", "rating", "follow", "session"],
    list(counted("creator", ("impressions", "views", "likes", "follows", "watch_ms"), HOUR, DAY, WEEK)),
    "What happened with a creator's items lately.",
)
