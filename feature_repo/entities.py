"""Whom and what features describe. Ids are strings here, whatever type a data set has them in."""

from feast import Entity, ValueType

from streamrank.paths import given_as, through

user = Entity(name="user", join_keys=["user_id"], value_type=ValueType.STRING, description="who watches")
item = Entity(
    name="item", join_keys=["item_id"], value_type=ValueType.STRING, description="a live show or a title on demand"
)
creator = Entity(
    name="creator",
    join_keys=["creator_id"],
    value_type=ValueType.STRING,
    tags=through("item_attributes", "item_creator_id"),
    description="who made the item",
)
topic = Entity(
    name="topic",
    join_keys=["topic"],
    value_type=ValueType.STRING,
    tags=through("item_attributes", "item_topics"),
    description="the item's first topic",
)
surface = Entity(
    name="surface",
    join_keys=["shown_on"],
    value_type=ValueType.STRING,
    tags=given_as("surface"),
    description="where a list is shown: a page, a row, a tab",
)
