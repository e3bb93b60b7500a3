"""The view of derived features: which columns go into `derived.py`, and what comes out."""

import inspect

import derived as functions
from affinity import user_creator_daily, user_topic_daily
from feast import Field, OnDemandFeatureView
from feast.types import Float32
from item import item_attributes, item_daily
from sources import request
from user import user_attributes, user_daily, user_interests

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
