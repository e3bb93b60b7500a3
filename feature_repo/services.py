"""What the models take."""

from affinity import user_creator_daily, user_topic_daily
from creator import creator_daily
from feast import FeatureService
from item import item_attributes, item_daily
from on_demand import derived
from topic import topic_daily
from user import user_attributes, user_daily

ranker = FeatureService(
    name="ranker",
    features=[
        item_daily,
        item_attributes[["item_duration_ms", "item_year"]],
        creator_daily,
        topic_daily,
        user_daily,
        user_attributes[["user_age"]],
        user_topic_daily,
        user_creator_daily,
        derived,
    ],
    description="Scores a user's candidates. Every feature is a float32; a missing one stays missing.",
)
