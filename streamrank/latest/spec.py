"""What a view of latest acts holds, read from its Feast declaration."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from feast import FeatureStore, FeatureView
from feast.types import Array, Bool, FeastType, Float32, Float64, Int32, Int64, String

from streamrank.latest.source import LatestSource
from streamrank.windows import per_event
from streamrank.windows.declared import key_types
from streamrank.windows.errors import DeclarationError, refused

FORMAT = 1  # of stored rows
MOST = 10_000
KINDS = {
    String: "VARCHAR", Int64: "BIGINT", Int32: "INTEGER", Float32: "FLOAT", Float64: "DOUBLE", Bool: "BOOLEAN"
}  # fmt: skip
REALS = (Float32, Float64)
STAMPS = ("event_us", "shard", "log_position")  # of an act, beside its values


@dataclass(frozen=True)
class LatestView:
    """join_keys: sorted by name. columns: feature -> type of its elements, in the view's order.

    fingerprint: of everything that changes stored rows. max_age_us: how long a row counts after the latest of its event
    times, 0 for ever.
    """

    name: str
    join_keys: tuple[str, ...]
    key_types: Mapping[str, FeastType]
    source: LatestSource
    columns: Mapping[str, FeastType]
    fingerprint: str
    max_age_us: int = 0

    @property
    def most(self) -> int:
        return self.source.most

    @property
    def ttl_us(self) -> int:
        """How long an idle key is kept: for ever, as 0 says."""
        return 0


def is_latest(view: object) -> bool:
    """Whether a feature view is of latest acts."""
    return isinstance(getattr(view, "batch_source", None), LatestSource)


def latest_view(view: FeatureView) -> LatestView:
    """What `view` holds. DeclarationError with the view, the feature and the remedy."""
    where, source = f"view {view.name!r}", view.batch_source
    given = per_event.checked(source, where)
    if not 1 <= source.most <= MOST:
        raise refused(f"{where}, source {source.name!r}, most", f"1 to {MOST:,}", str(source.most), "change it")
    keys = key_types(view, given)
    columns = _columns(view, given, set(keys))
    told = [FORMAT, source.topic, source.timestamp_field, source.sql, source.most,
            [[name, str(dtype)] for name, dtype in (*keys.items(), *columns.items())]]  # fmt: skip
    fingerprint = hashlib.sha256(json.dumps(told).encode()).hexdigest()[:12]
    max_age_us = int(view.ttl.total_seconds() * 1_000_000) if view.ttl else 0
    return LatestView(view.name, tuple(keys), keys, source, columns, fingerprint, max_age_us)


def latest_views(store: FeatureStore) -> list[LatestView]:
    """The views of latest acts in the registry."""
    return [latest_view(view) for view in store.list_feature_views() if is_latest(view)]


def several_shards(view: LatestView, key: str) -> DeclarationError:
    """What is wrong with a view in which one key's acts have no order of their own."""
    return refused(
        f"view {view.name!r}, key {key}", "the acts of a key in one shard of the bus", "several",
        "key the view by what events are sharded by, as a user; of others aggregations can tell",
    )  # fmt: skip


def _columns(view: FeatureView, given: Mapping[str, str], keys: set[str]) -> dict[str, FeastType]:
    fields = {field.name: field.dtype for field in view.features if field.name not in keys}
    for name, dtype in fields.items():
        where = f"view {view.name!r}, feature {name!r}"
        element = dtype.base_type if isinstance(dtype, Array) else None
        if element not in KINDS:
            raise refused(where, f"an Array of {', '.join(map(str, KINDS))}", str(dtype), "change its dtype")
        if name in STAMPS:
            raise refused(where, f"another name than {', '.join(STAMPS)}", repr(name), "rename it")
        if name not in given:
            raise refused(where, f"a column of this name in the SQL of {view.batch_source.name!r}", f"{sorted(given)}",
                          "add it to the SELECT")  # fmt: skip
        _check_type(where, element, given[name])
    if not fields:
        raise refused(f"view {view.name!r}", "a Field for each column that is kept", "none", "give it a schema")
    return {name: dtype.base_type for name, dtype in fields.items()}


def _check_type(where: str, element: FeastType, kind: str) -> None:
    fits = {
        String: kind == "VARCHAR", Bool: kind == "BOOLEAN", Int64: kind in per_event.INTEGERS,
        Int32: kind in per_event.INTEGERS, Float32: kind in per_event.INTEGERS or per_event.is_real(kind),
        Float64: kind in per_event.INTEGERS or per_event.is_real(kind),
    }  # fmt: skip
    if kind != per_event.UNKNOWN and not fits[element]:
        raise refused(where, f"a column that an Array of {element} takes", kind, "CAST it in the SQL")
