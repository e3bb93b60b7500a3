"""What a question asks of each view: its source's columns, the keys that lead to its rows, its features and its TTL."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from feast.data_source import DataSource
from feast.feature_view import DUMMY_ENTITY_ID, FeatureView
from feast.types import FeastType
from feast.utils import _parse_feature_ref

from streamrank.latest.spec import LatestView, is_latest, latest_view
from streamrank.stores.history.errors import HistoryError
from streamrank.windows.spec import WindowedView, is_windowed, windowed_view


@dataclass(frozen=True)
class Key:
    """`given`: the column of the entity rows. `name`: what the view calls it."""

    given: str
    name: str


@dataclass(frozen=True)
class Feature:
    """`name`: what the view calls it. `output`: the column of the answer. `first`: only the first element of a list."""

    name: str
    output: str
    dtype: FeastType | None
    first: bool = False


@dataclass(frozen=True)
class Part:
    """One view of a question. ttl_us: microseconds, 0 for none. windows, latest: of one answered from the event log."""

    view: str
    source: DataSource
    keys: tuple[Key, ...]
    features: tuple[Feature, ...]
    ttl_us: int
    names: Mapping[str, str] = field(default_factory=dict)  # the view's name of a column -> the source's
    windows: WindowedView | None = None
    latest: LatestView | None = None

    @property
    def columns(self) -> list[str]:
        """Every column that the part may read of its source."""
        times = (self.source.timestamp_field, self.source.created_timestamp_column)
        names = [*times, *(key.name for key in self.keys), *(feature.name for feature in self.features)]
        return [column for name in names if name for column in (self.column(name), name)]

    def column(self, name: str) -> str:
        return self.names.get(name, name)

    def where(self, column: str | None = None) -> str:
        """For messages."""
        path = getattr(self.source, "path", self.source.name)
        return f"view {self.view!r}, source {path!r}" + (f", column {column!r}" if column else "")


def parts_of(views: Sequence[FeatureView], references: Sequence[str], full_names: bool) -> list[Part]:
    """A part for each view of which `references` ask something, in the views' order."""
    asked: dict[str, list[str]] = {}
    for reference in references:
        name, version, feature = _parse_feature_ref(reference)
        asked.setdefault(name if version is None else f"{name}@v{version}", []).append(feature)
    return [
        part_of(view, tuple(_features(view, asked[view.projection.name_to_use()], full_names)))
        for view in views
        if view.projection.name_to_use() in asked
    ]


def part_of(view: FeatureView, features: tuple[Feature, ...]) -> Part:
    source = view.batch_source
    if source is None:
        raise HistoryError(
            f"view {view.name!r}: expected a batch source, found none; give it one, or leave it out of the question"
        )
    aliases = view.projection.join_key_map
    names = [column.name for column in view.entity_columns if column.name != DUMMY_ENTITY_ID]
    return Part(
        view=view.name,
        source=source,
        keys=tuple(Key(aliases.get(name, name), name) for name in names),
        features=features,
        ttl_us=int(view.ttl.total_seconds() * 1_000_000) if view.ttl else 0,
        names={feature: column for column, feature in (source.field_mapping or {}).items()},
        windows=windowed_view(view) if is_windowed(view) else None,
        latest=latest_view(view) if is_latest(view) else None,
    )


def _features(view: FeatureView, names: Sequence[str], full_names: bool) -> list[Feature]:
    types = {field.name: field.dtype for field in (*view.features, *view.projection.features)}
    prefix = f"{view.projection.name_alias or view.name}__" if full_names else ""
    return [Feature(name, prefix + name, types.get(name)) for name in dict.fromkeys(names)]
