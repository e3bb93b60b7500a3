"""What served values were made of, by the registry: rows of row views, windows or acts of the log, functions of these.

It reads the declarations anew instead of asking the online reader, so that a mistake of the reader is not repeated.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from feast import FeatureService, FeatureStore, FeatureView, OnDemandFeatureView, utils
from feast.feature_view import DUMMY_ENTITY_ID
from feast.types import Bool, FeastType

from streamrank.derived import NUMBERS, feature_inputs, request_fields
from streamrank.latest.spec import LatestView, is_latest, latest_view
from streamrank.paths import columns_of
from streamrank.windows.spec import WindowedView, is_windowed, windowed_view

ROWS, WINDOWS, ACTS, DERIVED = "rows", "windows", "acts", "derived"


@dataclass(frozen=True)
class Stored:
    """A view that is read online. keys: join key -> the name it is given under. types: feature -> declared type.

    windowed, latest: what its values are made of, None for a row view. ttl_us: 0 for none.
    """

    label: str
    view: FeatureView
    keys: Mapping[str, str]
    types: Mapping[str, FeastType]
    ttl_us: int
    windowed: WindowedView | None
    latest: LatestView | None


@dataclass(frozen=True)
class Derived:
    """inputs: name of the function's column -> (label, feature)."""

    label: str
    view: OnDemandFeatureView
    inputs: Mapping[str, tuple[str, str]]
    request: Mapping[str, FeastType]


@dataclass(frozen=True)
class Asked:
    """A feature of the service. kind: ROWS, WINDOWS, ACTS or DERIVED."""

    name: str
    label: str
    kind: str


@dataclass(frozen=True)
class Question:
    """A service's features by name, and the views behind them by label. given_as: join key -> the request's column.

    acts: the project's views of latest acts, of which requests log digests, by name.
    """

    features: Mapping[str, Asked]
    stored: Mapping[str, Stored]
    derived: Mapping[str, Derived]
    given_as: Mapping[str, str]
    acts: Mapping[str, Stored]


def question_of(store: FeatureStore, service: FeatureService) -> Question:
    """Everything that the service's numeric features are made of."""
    views, on_demand = utils._get_feature_views_to_use(store.registry, store.project, service, allow_cache=True)
    stored = {view.projection.name_to_use(): _stored(view) for view in views}
    derived = {view.projection.name_to_use(): _derived(view, stored) for view in on_demand}
    features = [
        Asked(field.name, projection.name_to_use(), _kind(projection.name_to_use(), stored))
        for projection in service.feature_view_projections
        for field in projection.features
        if field.dtype in NUMBERS or field.dtype == Bool
    ]
    acts = {view.name: _stored(view) for view in store.list_feature_views() if is_latest(view)}
    return Question({each.name: each for each in features}, stored, derived, columns_of(store.list_entities()), acts)


def needed(question: Question, names: Sequence[str]) -> dict[str, list[str]]:
    """By label of a stored view, which of its features `names` and the inputs of derived ones take."""
    asked = [question.features[name] for name in names]
    wanted = [(each.label, each.name) for each in asked if each.kind != DERIVED]
    for label in dict.fromkeys(each.label for each in asked if each.kind == DERIVED):
        wanted += question.derived[label].inputs.values()
    found: dict[str, list[str]] = {}
    for label, feature in dict.fromkeys(wanted):
        found.setdefault(label, []).append(feature)
    return found


def _kind(label: str, stored: Mapping[str, Stored]) -> str:
    if label not in stored:
        return DERIVED
    if stored[label].latest:
        return ACTS
    return WINDOWS if stored[label].windowed else ROWS


def _stored(view: FeatureView) -> Stored:
    renamed = view.projection.join_key_map
    names = [column.name for column in view.entity_columns if column.name != DUMMY_ENTITY_ID]
    return Stored(
        label=view.projection.name_to_use(),
        view=view,
        keys={name: renamed.get(name, name) for name in names},
        types={field.name: field.dtype for field in view.features},
        ttl_us=int(view.ttl.total_seconds() * 1_000_000) if view.ttl else 0,
        windowed=windowed_view(view) if is_windowed(view) else None,
        latest=latest_view(view) if is_latest(view) else None,
    )


def _derived(view: OnDemandFeatureView, stored: Mapping[str, Stored]) -> Derived:
    labels = {
        source.name: source.name_to_use() if source.name_to_use() in stored else source.name
        for source in view.source_feature_view_projections.values()
    }
    inputs = {f"{name}__{field.name}": (labels[name], field.name) for name, field in feature_inputs(view)}
    return Derived(view.projection.name_to_use(), view, inputs, request_fields(view))
