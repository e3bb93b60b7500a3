"""How a creator's items fared lately."""

from entities import creator
from feast import FeatureView, Field
from feast.types import Float32
from sources import NEVER_EXPIRES, feature_file

creator_daily = FeatureView(
    name="creator_daily",
    entities=[creator],
    ttl=NEVER_EXPIRES,
    schema=[
        Field(name="creator_impressions_60d", dtype=Float32),
        Field(name="creator_views_60d", dtype=Float32),
        Field(name="creator_likes_60d", dtype=Float32, description="likes, and ratings of at least 4"),
        Field(name="creator_follows_60d", dtype=Float32),
        Field(name="creator_views_7d", dtype=Float32),
        Field(name="creator_click_rate_60d", dtype=Float32, description="smoothed to the rate of all creators"),
        Field(name="creator_watch_ratio_60d", dtype=Float32, description="mean share watched of a view, 0 to 1"),
    ],
    source=feature_file("creator_daily"),
    description="At the end of each UTC day on which it changed.",
)
