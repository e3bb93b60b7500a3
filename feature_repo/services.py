"""What the models take."""

from affinity import user_creator_daily, user_topic_daily
from creator import creator_daily
from creator_live import creator_live
from feast import FeatureService
from history import user_follows, user_hidden, user_recent
from item import item_attributes, item_daily
from item_live import item_live, item_viewers, surface_item_live
from on_demand import derived, derived_live
from topic import topic_daily
from user import user_attributes, user_daily, user_levels, user_traits
from user_live import user_creator_live, user_live, user_topic_live
from vectors import user_candidates, user_vectors

ITEM_NOW = [
    *(f"item_views_{window}" for window in ("10m", "1h", "24h", "168h")),
    *(
        f"item_{sign}_{window}"
        for sign in ("impressions", "clicks", "likes", "watch_ms", "mean_watch_ms", "long_sessions")
        for window in ("1h", "24h")
    ),
    *("item_follows_24h", "item_shares_24h", "item_notifications_1h"),
]
CREATOR_NOW = [
    *(f"creator_views_{window}" for window in ("1h", "24h", "168h")),
    *("creator_likes_24h", "creator_follows_24h", "creator_watch_ms_24h"),
]

ranker = FeatureService(
    name="ranker",
    features=[
        item_daily,
        item_attributes[["item_duration_ms", "item_year"]],
        creator_daily,
        topic_daily,
        user_daily[["user_impressions_60d", "user_active_days_60d"]],  # what they wanted of it: user_levels
        user_attributes[["user_age"]],
        user_levels,
        user_traits[[f"user_trait_{place}" for place in range(1, 33)]],
        user_topic_daily,
        user_creator_daily,
        item_live[ITEM_NOW],
        item_viewers,
        surface_item_live,
        creator_live[CREATOR_NOW],
        user_live[["user_impressions_30m", "user_impressions_24h"]],
        user_topic_live,
        user_creator_live,
        derived,
        derived_live,
    ],
    description="Scores a user's candidates. Every feature is a float32; a missing one stays missing.",
)

viewer = FeatureService(
    name="viewer",
    features=[
        user_recent,
        user_hidden,
        user_follows,
        user_attributes[["user_stated_topics"]],
        user_traits[["user_profile"]],
        user_vectors,
        user_candidates,
    ],
    description="Who asks: what they did, hid, follow and stated, and what was learned of them. What candidates are "
    "found by.",
)
