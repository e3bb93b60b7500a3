"""The view of derived features: which columns go into `derived.py`, and what comes out."""

import inspect

import derived as functions
import derived_live as live_functions
from affinity import user_creator_daily, user_topic_daily
from feast import Field, OnDemandFeatureView
from feast.types import Float32
from item import item_attributes, item_daily
from item_live import item_live
from sources import request
from user import user_attributes, user_daily, user_interests
from user_live import user_creator_live, user_live, user_topic_live

from streamrank.derived import COLUMNWISE

# Feast compares these fields with those it infers, which have no description; derived.py says what each one is.
derived = OnDemandFeatureView(
    name="derived",
    sources=[
        request,
        item_attributes[["item_topics", "item_available_from"]],
        item_daily[["item_views_1d", "item_views_7d"]],
        user_attributes[["user_stated_topics"]],
        user_daily[["user_views_60d"]],
        user_interests,
        user_topic_daily[["ut_views_60d"]],
        user_creator_daily[["uc_views_60d"]],
    ],
    schema=[
        Field(name="hour", dtype=Float32),
        Field(name="weekday", dtype=Float32),
        Field(name="surface_code", dtype=Float32),
        Field(name="item_age_days", dtype=Float32),
        Field(name="item_trend", dtype=Float32),
        Field(name="topic_overlap", dtype=Float32),
        Field(name="stated_overlap", dtype=Float32),
        Field(name="user_topic_share", dtype=Float32),
        Field(name="user_creator_share", dtype=Float32),
    ],
    mode="python",
    udf=functions.derive,
    tags=COLUMNWISE,
    udf_string=inspect.getsource(functions),
    description="When and where a request is made, how new and rising the item is then, how well it fits the user.",
)

derived_live = OnDemandFeatureView(
    name="derived_live",
    sources=[
        item_daily[["item_click_rate_60d"]],
        item_live[
            [
                *(f"item_{sign}_{window}" for sign in ("clicks", "impressions") for window in ("10m", "1h", "24h")),
                *("item_views_10m", "item_views_1h", "item_sessions_1h", "item_long_sessions_1h"),
            ]
        ],
        user_live[["user_views_24h"]],
        user_topic_live[["ut_views_24h"]],
        user_creator_live[["uc_views_24h"]],
    ],
    schema=[
        Field(name="item_click_rate_10m", dtype=Float32),
        Field(name="item_click_rate_1h", dtype=Float32),
        Field(name="item_click_rate_24h", dtype=Float32),
        Field(name="item_long_session_rate_1h", dtype=Float32),
        Field(name="item_views_slope", dtype=Float32),
        Field(name="user_topic_share_24h", dtype=Float32),
        Field(name="user_creator_share_24h", dtype=Float32),
    ],
    mode="python",
    udf=live_functions.derive,
    tags=COLUMNWISE,
    udf_string=inspect.getsource(live_functions),
    description="What the windows say together: rates drawn to what is usual, and which way things go.",
)
