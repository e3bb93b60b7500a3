"""Keys that a request does not name but reaches through an item: one declaration, followed offline and online.

An entity says through which feature its key is reached, in its Feast tags, which survive the registry:

    creator = Entity(name="creator", join_keys=["creator_id"], tags=through("item_attributes", "item_creator_id"))

Offline the feature is looked up as of the row's time; online it is read with the item and held in memory.
"""

from dataclasses import dataclass

from feast import Entity

TAG = "streamrank.through"


class PathError(ValueError):
    """An entity's tag names no `view:feature`."""


@dataclass(frozen=True)
class KeyPath:
    """`join_key` takes the value of `view:feature`; of a list, its first element."""

    join_key: str
    view: str
    feature: str


def through(view: str, feature: str) -> dict[str, str]:
    """The tags of an entity whose key is the value of `view:feature`, or the first element where that is a list."""
    return {TAG: f"{view}:{feature}"}


def path_of(entity: Entity) -> KeyPath | None:
    """The declared path to the entity's key, None where it has none; PathError when the tag cannot be read."""
    declared = entity.tags.get(TAG)
    if declared is None:
        return None
    view, colon, feature = declared.partition(":")
    if not (view and colon and feature):
        raise PathError(f"entity {entity.name!r}: expected tag {TAG} as view:feature, found {declared!r}")
    return KeyPath(entity.join_key, view, feature)
