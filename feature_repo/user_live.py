"""What a user is doing right now, in all, with a topic and with a creator."""

from entities import creator, topic, user
from windows import DAY, HALF_HOUR, HOUR, WEEK, counted, live_view

USER = {"user_id": "user_id"}
WATCHED = ("views", "watch_ms")

user_live = live_view(
    "user_live",
    [user],
    USER,
    ["impression", "click", "view", "like", "rating", "follow", "share", "comment", "hide", "viewer_enter", "session"],
    list(counted("user", ("acts", "impressions", "views", "likes", "watch_ms"), HALF_HOUR, DAY)),
    "What a user did lately; acts are all they do themselves.",
)

user_topic_live = live_view(
    "user_topic_live",
    [user, topic],
    {**USER, "topic": "topics[1]"},
    ["view", "session"],
    list(counted("ut", WATCHED, HOUR, DAY, WEEK)),
    "What a user watched lately of a topic. An item counts for its first topic.",
)

user_creator_live = live_view(
    "user_creator_live",
    [user, creator],
    {**USER, "creator_id": "creator_id"},
    ["view", "session"],
    list(counted("uc", WATCHED, HOUR, DAY, WEEK)),
    "What a user watched lately of a creator.",
)
