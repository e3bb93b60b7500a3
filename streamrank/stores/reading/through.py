"""Keys that a request does not name: reached through attributes of its items, which are held in memory.

Which attribute leads to which key is declared once, in the tags of entities: see `streamrank.paths`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
from feast import FeatureStore, FeatureView
from feast.errors import FeatureViewNotFoundException
from feast.types import from_feast_to_pyarrow_type

from streamrank.paths import KeyPath, PathError, path_of
from streamrank.stores.online import StreamrankOnlineStore
from streamrank.stores.packed_view import PackedView


@dataclass(frozen=True)
class Through:
    """A view whose features are keys. keys: its join keys, as they are given. reached: join key -> its feature.

    types: feature -> the key's Arrow type, that of an element where the feature is a list.
    """

    packed: PackedView
    keys: tuple[str, ...]
    reached: Mapping[str, str]
    types: Mapping[str, pa.DataType]


def through_items(store: FeatureStore, online: StreamrankOnlineStore, wanted: set[str]) -> tuple[Through, ...]:
    """The views that lead to the `wanted` join keys, and to their own, each after those that lead to its keys.

    Raises PathError where a declared path leads nowhere or in a circle.
    """
    paths = {path.join_key: path for entity in store.list_entities() if (path := path_of(entity))}
    views: dict[str, FeatureView] = {}
    ordered = list(dict.fromkeys(_followed(store, paths, sorted(wanted), (), views)))
    return tuple(
        _through(
            online.packed_view(store.config, views[name]),
            views[name],
            [paths[key] for key in ordered if paths[key].view == name],
        )
        for name in dict.fromkeys(paths[key].view for key in ordered)
    )


def _followed(
    store: FeatureStore, paths: Mapping[str, KeyPath], wanted: Sequence[str], before: tuple[str, ...],
    views: dict[str, FeatureView],
) -> Iterator[str]:  # fmt: skip
    """The wanted keys that have a path, each after those it depends on; fills `views`."""
    for key in wanted:
        if key in before:
            raise PathError(f"the path to join key {key!r} leads in a circle: {' through '.join([*before, key])}")
        if key in paths:
            path = paths[key]
            views[path.view] = view = _view(store, path)
            yield from _followed(store, paths, sorted(view.join_keys), (*before, key), views)
            yield key


def _view(store: FeatureStore, path: KeyPath) -> FeatureView:
    try:
        view = store.get_feature_view(path.view)
    except FeatureViewNotFoundException as error:
        raise PathError(
            f"join key {path.join_key!r} is reached through {path.view}, which is not registered"
        ) from error
    if all(field.name != path.feature for field in view.features):
        raise PathError(
            f"join key {path.join_key!r} is reached through {path.view}:{path.feature}, which is no feature"
        )
    return view


def _through(packed: PackedView, view: FeatureView, paths: Sequence[KeyPath]) -> Through:
    declared = {field.name: from_feast_to_pyarrow_type(field.dtype) for field in view.features}
    types = {path.feature: _element(declared[path.feature]) for path in paths}
    return Through(packed, packed.join_keys, {path.join_key: path.feature for path in paths}, types)


def _element(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_list(kind) else kind


def keys_in(column: pa.Array) -> pa.Array:
    """The key in each value: the value itself, of a list its first element, null where there is none."""
    if not pa.types.is_list(column.type):
        return column
    filled = pc.greater(pc.list_value_length(column), 0)
    return pc.list_element(pc.if_else(filled, column, pa.scalar(None, column.type)), 0)
