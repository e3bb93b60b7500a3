"""From Feast's aggregations to features, rings and slots; what cannot run exactly is refused with the remedy."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import timedelta

from feast.aggregation import Aggregation
from feast.stream_feature_view import StreamFeatureView
from feast.types import FeastType

from streamrank.windows import per_event
from streamrank.windows.errors import DeclarationError, refused
from streamrank.windows.slots import FUNCTIONS, Feature, Ring, Slot
from streamrank.windows.source import EventSource

FORMAT = 1  # of stored values
MOST_TILES = 1_000
FUNCTIONS_DECLARED = ("count", "sum", "mean", "min", "max", "last")
WHOLE, REAL = ("INT64", "INT32"), ("FLOAT32", "FLOAT64")
LEAST_SLIDE = timedelta(seconds=1)
KEYS = ("STRING", "UUID", "TIME_UUID", "DECIMAL", "INT32", "INT64", "UNIX_TIMESTAMP", "BYTES")
MICROSECOND = timedelta(microseconds=1)


def features(view: StreamFeatureView, given: Mapping[str, str]) -> tuple[Feature, ...]:
    """The view's features, in the order of its aggregations. given: what its SQL gives. Raises DeclarationError."""
    keys = {field.name for field in view.entity_columns}  # a view from the registry has them among its features
    fields = {field.name: field.dtype for field in view.features if field.name not in keys}
    found = tuple(_feature(view, aggregation, fields, given) for aggregation in view.aggregations)
    names = [feature.name for feature in found]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise refused(f"view {view.name!r}", "one aggregation a feature", f"two named {twice}", "give each a name")
    if without := sorted(set(fields) - set(names)):
        raise refused(
            f"view {view.name!r}", f"an aggregation for each Field, here {names}", f"none for {without}",
            "add the aggregation with this name=, or remove the Field",
        )  # fmt: skip
    return found


def _feature(
    view: StreamFeatureView, aggregation: Aggregation, fields: Mapping[str, FeastType], given: Mapping[str, str]
) -> Feature:
    name = aggregation.resolved_name(aggregation.time_window)
    where = f"view {view.name!r}, aggregation {name!r}"
    if aggregation.function not in FUNCTIONS_DECLARED:
        raise refused(where, f"one of {FUNCTIONS_DECLARED}", repr(aggregation.function), "use one that is exact")
    if aggregation.column not in given:
        raise refused(
            where, f"a column that the SQL of {view.batch_source.name!r} gives: {sorted(given)}",
            repr(aggregation.column), "add it to the SELECT",
        )  # fmt: skip
    if name not in fields:
        raise refused(where, "a Field of this name in the schema", f"{sorted(fields)}", "add the Field")
    window, slide = _window(where, aggregation)
    feature = Feature(name, aggregation.function, aggregation.column, window, slide, fields[name])
    _check_types(where, view.batch_source, feature, given[aggregation.column])
    return feature


def _window(where: str, aggregation: Aggregation) -> tuple[int | None, int | None]:
    """Length and slide in microseconds."""
    window, slide = aggregation.time_window, aggregation.slide_interval
    if window is None and slide is None:
        return None, None
    if not window or window < timedelta(0):
        raise refused(where, "a time_window, or neither it nor a slide_interval", str(window), "write it out")
    if slide == window:
        raise refused(
            where, "a slide_interval below the time_window", f"{slide} for both (Feast fills an omitted one)",
            "write out a slide_interval, such as a tenth of the window",
        )  # fmt: skip
    if slide < LEAST_SLIDE:
        raise refused(where, f"a slide_interval of at least {LEAST_SLIDE}", str(slide), "lengthen it")
    if window % slide:
        raise refused(where, "a time_window that is a multiple of its slide_interval", f"{window} and {slide}",
                      "change one of them")  # fmt: skip
    if window // slide > MOST_TILES:
        raise refused(
            where, f"at most {MOST_TILES} slides in a window", str(window // slide), "lengthen the slide_interval"
        )
    return window // MICROSECOND, slide // MICROSECOND


def _check_types(where: str, source: EventSource, feature: Feature, kind: str) -> None:
    declared = getattr(feature.dtype, "name", str(feature.dtype))
    scaled = feature.column in source.scales
    if declared not in WHOLE + REAL:
        raise refused(where, "a Field of Int64, Int32, Float32 or Float64", declared, "change its dtype")
    if kind == per_event.UNKNOWN:
        return
    if feature.function != "count" and not (kind in per_event.INTEGERS or per_event.is_real(kind)):
        raise refused(where, "a column of numbers", f"{feature.column!r} of {kind}", "CAST it in the SQL")
    real = kind not in per_event.INTEGERS
    if feature.function in ("sum", "mean") and real and not scaled:
        raise refused(
            where, "integers, or a scale", f"{feature.column!r} of {kind}",
            f"add scales={{{feature.column!r}: 0.01}} to source {source.name!r}, or CAST it to BIGINT in the SQL",
        )  # fmt: skip
    if declared in WHOLE and (feature.function == "mean" or (feature.function != "count" and (real or scaled))):
        raise refused(where, "a Field of Float32 or Float64", declared, "change its dtype, since values have fractions")


def key_types(view: StreamFeatureView, given: Mapping[str, str]) -> dict[str, FeastType]:
    """The type of each join key, sorted by name. Raises DeclarationError."""
    found = {field.name: field.dtype for field in sorted(view.entity_columns, key=lambda field: field.name)}
    if len(found) < len(view.entities) or not found:
        raise refused(
            f"view {view.name!r}", f"a type for the join key of each of {list(view.entities)}", f"{sorted(found)}",
            "give the Entity a value_type, and apply it, or put the key's Field into the schema",
        )  # fmt: skip
    if other := {name: str(dtype) for name, dtype in found.items() if getattr(dtype, "name", "") not in KEYS}:
        raise refused(f"view {view.name!r}", f"join keys of {KEYS}", str(other), "change the Entity's value_type")
    if missing := sorted(set(found) - set(given)):
        raise refused(f"view {view.name!r}", f"join keys {sorted(found)} in the SQL of {view.batch_source.name!r}",
                      f"no {missing}", "add them to the SELECT")  # fmt: skip
    return found


def stored(features: Sequence[Feature]) -> tuple[tuple[Ring, ...], tuple[Slot, ...]]:
    """The rings, ascending by slide, and the slots of lifetimes."""
    slides = sorted({feature.slide_us for feature in features if feature.slide_us})
    rings = []
    for slide in slides:
        own = [feature for feature in features if feature.slide_us == slide]
        rings.append(Ring(slide, max(feature.window_us for feature in own) // slide, _slots(own)))
    return tuple(rings), _slots([feature for feature in features if not feature.slide_us])


def _slots(features: Sequence[Feature]) -> tuple[Slot, ...]:
    """Each once, counts first: a count lies in the tile's head."""
    slots = {slot for feature in features for slot in feature.slots}
    return tuple(sorted(slots, key=lambda slot: (FUNCTIONS.index(slot.function), slot.column)))


def steps(view: StreamFeatureView, features: Sequence[Feature]) -> dict[str, int]:
    """Steps a unit of each column in fixed point. Raises DeclarationError."""
    used = {feature.column for feature in features}
    found = {}
    for column, step in view.batch_source.scales.items():
        count = round(1 / step) if step > 0 else 0
        if count < 1 or abs(count * step - 1) > 1e-9:
            raise refused(f"source {view.batch_source.name!r}, scale of {column!r}", "a step that divides 1, as 0.01",
                          repr(step), "change it")  # fmt: skip
        if column in used:
            found[column] = count
    return dict(sorted(found.items()))


def fingerprint(
    source: EventSource, key_types: Mapping[str, FeastType], rings: Sequence[Ring], lifetime: Sequence[Slot],
    scales: Mapping[str, int],
) -> str:  # fmt: skip
    """12 hexadecimal digits."""
    slots = [[slot.function, slot.column] for slot in lifetime]
    tiles = [[ring.slide_us, ring.tiles, [[slot.function, slot.column] for slot in ring.slots]] for ring in rings]
    keys = [[name, str(dtype)] for name, dtype in key_types.items()]
    told = [FORMAT, source.topic, source.timestamp_field, source.sql, keys, tiles, slots, dict(scales)]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:12]


__all__ = ["DeclarationError", "features", "fingerprint", "key_types", "steps", "stored"]
