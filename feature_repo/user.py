"""Who a user is, what they did lately, and what they care for."""

from entities import user
from feast import FeatureView, Field
from feast.types import Array, Float32, String
from sources import NEVER_EXPIRES, feature_file

user_attributes = FeatureView(
    name="user_attributes",
    entities=[user],
    ttl=NEVER_EXPIRES,
    schema=[
        Field(name="user_stated_topics", dtype=Array(String), description="the topics they named themselves"),
        Field(name="user_age", dtype=Float32),
    ],
    source=feature_file("user_attributes"),
    tags={"known": "always"},
    description="The users file's counts as known always, a user_update's from its arrival.",
)

user_daily = FeatureView(
    name="user_daily",
    entities=[user],
    ttl=NEVER_EXPIRES,
    schema=[
        Field(name="user_impressions_60d", dtype=Float32),
        Field(name="user_views_60d", dtype=Float32),
        Field(name="user_likes_60d", dtype=Float32, description="likes, and ratings of at least 4"),
        Field(name="user_views_7d", dtype=Float32),
        Field(name="user_active_days_60d", dtype=Float32, description="days with any event of theirs"),
        Field(name="user_click_rate_60d", dtype=Float32, description="smoothed to the rate of all users"),
        Field(name="user_watch_ratio_60d", dtype=Float32, description="mean share watched of a view, 0 to 1"),
        Field(name="user_rating_60d", dtype=Float32, description="mean rating they gave"),
    ],
    source=feature_file("user_daily"),
    description="At the end of each UTC day on which it changed.",
)

user_interests = FeatureView(
    name="user_interests",
    entities=[user],
    ttl=NEVER_EXPIRES,
    schema=[
        Field(name="user_top_topics", dtype=Array(String), description="up to 10, most viewed over 60 days first"),
        Field(name="user_top_topic_shares", dtype=Array(Float32), description="of the user's views, same order"),
    ],
    source=feature_file("user_interests"),
    description="At the end of each UTC day on which it changed. A view counts for each topic of its item.",
)
