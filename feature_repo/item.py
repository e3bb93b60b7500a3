"""What is known of an item, and how it fared lately."""

from entities import item
from feast import FeatureView, Field
from feast.types import Array, Float32, Int64, String
from sources import NEVER_EXPIRES, feature_file

item_attributes = FeatureView(
    name="item_attributes",
    entities=[item],
    ttl=NEVER_EXPIRES,
    schema=[
        Field(name="item_creator_id", dtype=String),
        Field(name="item_topics", dtype=Array(String), description="the first is the main one"),
        Field(name="item_duration_ms", dtype=Float32),
        Field(name="item_year", dtype=Float32),
        Field(name="item_available_from", dtype=Int64, description="microseconds since 1970 UTC"),
    ],
    source=feature_file("item_attributes"),
    tags={"known": "always"},
    description="The items file's counts as known always, an item_update's or item_start's from its arrival.",
)

item_daily = FeatureView(
    name="item_daily",
    entities=[item],
    ttl=NEVER_EXPIRES,
    schema=[
        Field(name="item_impressions_60d", dtype=Float32),
        Field(name="item_views_60d", dtype=Float32),
        Field(name="item_likes_60d", dtype=Float32, description="likes, and ratings of at least 4"),
        Field(name="item_views_7d", dtype=Float32),
        Field(name="item_views_1d", dtype=Float32),
        Field(name="item_click_rate_60d", dtype=Float32, description="smoothed to the rate of all items"),
        Field(name="item_click_rate_7d", dtype=Float32, description="smoothed to the rate of all items"),
        Field(name="item_watch_ratio_60d", dtype=Float32, description="mean share watched of a view, 0 to 1"),
        Field(name="item_rating_60d", dtype=Float32, description="mean rating"),
    ],
    source=feature_file("item_daily"),
    description="At the end of each UTC day on which it changed.",
)
