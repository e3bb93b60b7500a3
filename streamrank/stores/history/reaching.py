"""Keys that the entity rows lack and that are reached through another view, as of the row's time."""

from collections.abc import Sequence

from feast.errors import FeastEntityDFMissingColumnsError, FeastObjectNotFoundException
from feast.infra.registry.base_registry import BaseRegistry

from streamrank.paths import KeyPath, PathError, path_of
from streamrank.stores.history.parts import Feature, Part, part_of


def reached_parts(keys: Sequence[str], given: Sequence[str], registry: BaseRegistry, project: str) -> list[Part]:
    """Parts whose features are those of `keys` that are not `given`, each after those that it needs itself.

    Raises FeastEntityDFMissingColumnsError for a key that is neither given nor has a path, PathError for a path that
    leads nowhere or back to itself.
    """
    if set(keys) <= set(given):
        return []
    declared = (path_of(entity) for entity in registry.list_entities(project, allow_cache=True))
    paths = {path.join_key: path for path in declared if path}
    parts: dict[str, Part] = {}

    def follow(key: str, trail: tuple[str, ...]) -> None:
        if key in given:
            return
        if key not in paths:
            missing = {name for name in keys if name not in given and name not in paths} or {key}
            raise FeastEntityDFMissingColumnsError({*keys}, missing)
        path = paths[key]
        if path.view in trail:
            raise PathError(
                f"key {key!r}: its path leads back to itself ({' -> '.join((*trail, path.view))}); break it"
            )
        part = _part(path, parts.get(path.view), registry, project)
        for inner in part.keys:
            follow(inner.given, (*trail, path.view))
        parts[path.view] = part

    for key in keys:
        follow(key, ())
    return list(parts.values())


def _part(path: KeyPath, before: Part | None, registry: BaseRegistry, project: str) -> Part:
    try:
        view = registry.get_any_feature_view(path.view, project, allow_cache=True)
    except FeastObjectNotFoundException as error:
        raise PathError(
            f"key {path.join_key!r}: expected view {path.view!r} of its path, found none; apply it or correct the path"
        ) from error
    if path.feature not in {feature.name for feature in view.features}:
        raise PathError(
            f"key {path.join_key!r}: expected feature {path.feature!r} in view {path.view!r}, found "
            f"{', '.join(repr(feature.name) for feature in view.features)}; correct the path"
        )
    known = {feature.output: feature for feature in before.features} if before else {}
    known[path.join_key] = Feature(path.feature, path.join_key, None, first=True)
    return part_of(view, tuple(known.values()))
