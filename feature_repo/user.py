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

user_traits = FeatureView(
    name="user_traits",
    entities=[user],
    ttl=NEVER_EXPIRES,
    schema=[
        *(Field(name=f"user_trait_{place}", dtype=Float32) for place in range(1, 33)),
        Field(name="user_profile", dtype=Array(String), description="column:value or column:band, of all columns"),
    ],
    source=feature_file("user_traits"),
    tags={"known": "always"},
    description="The further columns of the users file in their order, as numbers, and as words; known always.",
)

user_levels = FeatureView(
    name="user_levels",
    entities=[user],
    ttl=NEVER_EXPIRES,
    schema=[
        Field(name="user_level_impressions", dtype=Float32),
        Field(name="user_level_click_rate", dtype=Float32, description="drawn to that of all users"),
        Field(name="user_level_surplus", dtype=Float32, description="clicks an impression beyond what is usual there"),
        Field(name="user_level_watch_ratio", dtype=Float32, description="mean share watched of a view, drawn likewise"),
        Field(name="user_level_watch_log", dtype=Float32, description="mean log of a view's seconds, drawn likewise"),
        Field(name="user_level_likes", dtype=Float32, description="likes a view"),
        Field(name="user_level_rating", dtype=Float32, description="mean rating, drawn likewise"),
    ],
    source=feature_file("user_levels"),
    description="As of the last fit: of instants a day apart in the training part, then of a week apart.",
)
