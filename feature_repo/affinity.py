"""What a user did lately with a topic, and with a creator."""

from entities import creator, topic, user
from feast import FeatureView, Field
from feast.types import Float32
from sources import NEVER_EXPIRES, feature_file

user_topic_daily = FeatureView(
    name="user_topic_daily",
    entities=[user, topic],
    ttl=NEVER_EXPIRES,
    schema=[
        Field(name="ut_impressions_60d", dtype=Float32),
        Field(name="ut_views_60d", dtype=Float32),
        Field(name="ut_likes_60d", dtype=Float32, description="likes, and ratings of at least 4"),
        Field(name="ut_click_rate_60d", dtype=Float32, description="smoothed to the rate of all events"),
        Field(name="ut_watch_ratio_60d", dtype=Float32, description="mean share watched of a view, 0 to 1"),
        Field(name="ut_rating_60d", dtype=Float32, description="mean rating they gave"),
    ],
    source=feature_file("user_topic_daily"),
    description="At the end of each UTC day on which it changed. An item counts for its first topic.",
)

user_creator_daily = FeatureView(
    name="user_creator_daily",
    entities=[user, creator],
    ttl=NEVER_EXPIRES,
    schema=[
        Field(name="uc_impressions_60d", dtype=Float32),
        Field(name="uc_views_60d", dtype=Float32),
        Field(name="uc_likes_60d", dtype=Float32, description="likes, and ratings of at least 4"),
        Field(name="uc_click_rate_60d", dtype=Float32, description="smoothed to the rate of all events"),
        Field(name="uc_watch_ratio_60d", dtype=Float32, description="mean share watched of a view, 0 to 1"),
    ],
    source=feature_file("user_creator_daily"),
    description="At the end of each UTC day on which it changed.",
)
