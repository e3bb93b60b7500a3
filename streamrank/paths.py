"""Keys that a request does not name but reaches through an item: one declaration, followed offline and online.

An entity says through which feature its key is reached, in its Feast tags, which survive the registry:

    creator = Entity(name="creator", join_keys=["creator_id"], tags=through("item_attributes", "item_creator_id"))

Offline the feature is looked up as of the row's time; online it is read with the item and held in memory.

A key may also be a column that a request brings anyway: Feast takes a column for a request's or for a key, never for
both, so the key has a name of its own and says which column it takes:

    surface = Entity(name="surface", join_keys=["shown_on"], tags=given_as("surface"))
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from feast import Entity

TAG = "streamrank.through"
COLUMN_TAG = "streamrank.given_as"


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


def given_as(column: str) -> dict[str, str]:
    """The tags of an entity whose key is the request's `column`, where it is not given by its own name."""
    return {COLUMN_TAG: column}


def columns_of(entities: Iterable[Entity]) -> dict[str, str]:
    """Join key -> the request's column that it takes, of the entities that have one."""
    return {entity.join_key: entity.tags[COLUMN_TAG] for entity in entities if COLUMN_TAG in entity.tags}


def with_columns(rows: Any, entities: Iterable[Entity]) -> Any:
    """Feast's entity rows, a list of dicts or columns by name, with the keys that take a column of the request."""
    taken = columns_of(entities)
    if isinstance(rows, list):
        return [_taking(row, taken) for row in rows]
    return _taking(rows, taken)


def _taking(row: Mapping[str, Any], taken: Mapping[str, str]) -> dict[str, Any]:
    return {**{key: row[column] for key, column in taken.items() if column in row}, **row}
