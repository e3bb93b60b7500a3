"""How the items of a topic fared lately. An item counts for its first topic."""

from entities import topic
from feast import FeatureView, Field
from feast.types import Float32
from sources import NEVER_EXPIRES, feature_file

topic_daily = FeatureView(
    name="topic_daily",
    entities=[topic],
    ttl=NEVER_EXPIRES,
    schema=[
        Field(name="topic_impressions_60d", dtype=Float32),
        Field(name="topic_views_60d", dtype=Float32),
        Field(name="topic_likes_60d", dtype=Float32, description="likes, and ratings of at least 4"),
        Field(name="topic_views_7d", dtype=Float32),
        Field(name="topic_click_rate_60d", dtype=Float32, description="smoothed to the rate of all topics"),
    ],
    source=feature_file("topic_daily"),
    description="At the end of each UTC day on which it changed.",
)
