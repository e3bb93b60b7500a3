"""What a feature service needs: which features of which views, where they go, and which keys lead to them.

Made once a reader, from the registry. All that a single read does not have to find out is found out here.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from feast import FeatureService, FeatureStore, FeatureView, OnDemandFeatureView, utils
from feast.errors import FeatureServiceNotFoundException
from feast.field import Field
from feast.types import Array, Bool, FeastType, Float32

from streamrank.derived import NUMBERS, columnwise, request_fields
from streamrank.latest.spec import is_latest
from streamrank.paths import columns_of
from streamrank.stores.online import StreamrankOnlineStore
from streamrank.stores.packed_view import PackedView
from streamrank.stores.reading.through import Through, through_items
from streamrank.stores.windowed import Windows

SINGLE = frozenset([Float32, Bool])  # what float32 holds exactly


@dataclass
class StoredView:
    """A view to read. keys: join key -> the name it is given under. numbers: features that are read as float32.

    exact: features that are read as Arrow columns of their declared types. windows: of a view over events.
    """

    label: str
    packed: PackedView
    keys: Mapping[str, str]
    windows: Windows | None = None
    numbers: list[str] = field(default_factory=list)
    exact: list[str] = field(default_factory=list)

    @cached_property
    def key(self) -> tuple[tuple[str, str], ...]:
        """What its keys are made of: views with an equal one have equal keys for the same rows, but for the prefix."""
        return tuple((given, str(self.packed.key_types[name])) for name, given in self.keys.items())

    @property
    def has_windows(self) -> bool:
        """Whether its values are windows to finish, not rows."""
        return self.windows is not None and self.windows.window is not None


@dataclass(frozen=True)
class DerivedInput:
    """`name` is what the function's columns are called by; the feature is read by `label`."""

    name: str
    label: str
    feature: str
    exact: bool


@dataclass(frozen=True)
class DerivedView:
    label: str
    view: OnDemandFeatureView
    inputs: Sequence[DerivedInput]


@dataclass(frozen=True)
class Output:
    """A feature that the service asks for, by the label of its view. length: of a declared fixed-length array.

    acts: whether it is a list of latest acts, which is one of its own length and type even where all have one length.
    """

    name: str
    label: str
    feature: str
    kind: FeastType
    length: int
    acts: bool

    @property
    def numeric(self) -> bool:
        return self.kind in NUMBERS

    @property
    def vector(self) -> bool:
        return isinstance(self.kind, Array) and self.kind.base_type in NUMBERS and not self.acts


@dataclass(frozen=True)
class Plan:
    """names: the matrix's columns. outputs: all that is asked for, in order. throughs: in the order to follow them.

    places: by view, where the first `width` of its numbers go in the matrix; the others are inputs of derived views.
    """

    names: tuple[str, ...]
    outputs: tuple[Output, ...]
    views: tuple[StoredView, ...]
    derived: tuple[DerivedView, ...]
    throughs: tuple[Through, ...]
    request: Mapping[str, FeastType]
    places: Mapping[str, slice | np.ndarray]
    width: Mapping[str, int]


def plan_of(store: FeatureStore, service: str | FeatureService | list[str], full_feature_names: bool) -> Plan:
    """Raises ValueError where the service is unknown or two features have one name, and what Feast raises else."""
    online = online_store(store)
    features = feature_service(store, service) if isinstance(service, str) else service
    views, on_demand = utils._get_feature_views_to_use(store.registry, store.project, features, allow_cache=True)
    stored = {view.projection.name_to_use(): view for view in views}
    stored |= {view.projection.name_to_use(): view for view in on_demand if view.write_to_online_store}
    derived = {view.projection.name_to_use(): view for view in on_demand if not view.write_to_online_store}
    references = utils._get_features(store.registry, store.project, features, allow_cache=True)
    outputs = tuple(_outputs(references, stored | derived, full_feature_names))
    computed = tuple(_derived(label, view, stored) for label, view in derived.items())
    request = {name: kind for part in computed for name, kind in request_fields(part.view).items()}
    taken = {key: column for key, column in columns_of(store.list_entities()).items() if column in request}
    reads = {label: _stored(store, online, view, taken) for label, view in stored.items()}
    _spread(reads, outputs, computed)
    numeric = [output for output in outputs if output.numeric]
    own = {label: [at for at, output in enumerate(numeric) if output.label == label] for label in reads}
    needed = tuple(view for view in reads.values() if view.numbers or view.exact)
    return Plan(
        names=tuple(output.name for output in numeric),
        outputs=outputs,
        views=needed,
        derived=computed,
        throughs=through_items(store, online, {given for view in needed for given in view.keys.values()}),
        request=request,
        places={label: _adjacent(places) for label, places in own.items() if places},
        width={label: len(places) for label, places in own.items()},
    )


def apart(plan: Plan) -> Iterator[tuple[Output, int | None]]:
    """What is not copied into the matrix view by view, and its column there: derived numbers, and None for the rest."""
    derived = {view.label for view in plan.derived}
    places = {name: place for place, name in enumerate(plan.names)}
    for output in plan.outputs:
        if output.label in derived or not output.numeric:
            yield output, places.get(output.name)


def online_store(store: FeatureStore) -> StreamrankOnlineStore:
    """The store's online store; ValueError when it is none of ours."""
    online = store._get_provider().online_store
    if not isinstance(online, StreamrankOnlineStore):
        raise ValueError(
            f"project {store.project!r} has online store {type(online).__name__}: the reader reads the values of "
            f"streamrank.stores.online.StreamrankOnlineStore; set it in feature_store.yaml, or use get_online_features"
        )
    return online


def feature_service(store: FeatureStore, name: str) -> FeatureService:
    try:
        return store.get_feature_service(name)
    except FeatureServiceNotFoundException as error:
        known = sorted(service.name for service in store.list_feature_services())
        raise ValueError(
            f"feature service {name!r} is not registered in project {store.project!r}, which has {known}; "
            f"correct the name, or run `feast apply`"
        ) from error


def _outputs(
    references: Sequence[str], views: Mapping[str, FeatureView | OnDemandFeatureView], full_feature_names: bool
) -> Iterator[Output]:
    taken: dict[str, str] = {}
    for reference in dict.fromkeys(references):
        view, version, feature = utils._parse_feature_ref(reference)
        label = view if version is None else f"{view}@v{version}"
        declared = _field(views, label, feature)
        name = f"{label}__{feature}" if full_feature_names else feature
        if name in taken:
            raise ValueError(
                f"{taken[name]} and {reference} have the same name {name!r}: rename one, or set full_feature_names=True"
            )
        taken[name] = reference
        length = getattr(declared, "vector_length", 0) or 0
        yield Output(name, label, feature, declared.dtype, length, is_latest(views[label]))


def _field(views: Mapping[str, FeatureView | OnDemandFeatureView], label: str, feature: str) -> Field:
    if label not in views:
        raise ValueError(f"feature view {label!r} is not registered; found {sorted(views)}")
    found = next((field for field in views[label].features if field.name == feature), None)
    if found is None:
        raise ValueError(f"feature view {label!r} has no feature {feature!r}; run `feast apply` where it is new")
    return found


def _stored(
    store: FeatureStore, online: StreamrankOnlineStore, view: FeatureView, taken: Mapping[str, str]
) -> StoredView:
    """taken: join key -> the request's column that it takes."""
    packed, renamed = online.packed_view(store.config, view), {**taken, **view.projection.join_key_map}
    keys = {name: renamed.get(name, name) for name in packed.join_keys}
    return StoredView(view.projection.name_to_use(), packed, keys, online.windows(store.config, view))


def _derived(label: str, view: OnDemandFeatureView, stored: Mapping[str, FeatureView]) -> DerivedView:
    if view.feature_transformation is None:
        raise ValueError(f"on-demand view {label!r} aggregates: the reader computes transformations only")
    inputs = [
        DerivedInput(
            name=f"{source.name}__{field.name}",
            label=source.name_to_use() if source.name_to_use() in stored else source.name,
            feature=field.name,
            exact=not (columnwise(view) and field.dtype in SINGLE),
        )
        for source in view.source_feature_view_projections.values()
        for field in source.features
    ]
    return DerivedView(label, view, inputs)


def _adjacent(places: list[int]) -> slice | np.ndarray:
    """The same places as a slice where they follow each other."""
    if places == list(range(places[0], places[-1] + 1)):
        return slice(places[0], places[-1] + 1)
    return np.array(places)


def _spread(reads: Mapping[str, StoredView], outputs: Sequence[Output], derived: Sequence[DerivedView]) -> None:
    """Notes with each view what is read of it, and how."""
    asked = [(output.label, output.feature, not output.numeric) for output in outputs if output.label in reads]
    asked += [(part.label, part.feature, part.exact) for view in derived for part in view.inputs]
    for label, feature, exact in dict.fromkeys(asked):
        (reads[label].exact if exact else reads[label].numbers).append(feature)
