"""From stored values to features at an instant, for all keys at once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from streamrank.events.shards import NEVER, SHARDS
from streamrank.windows import reading
from streamrank.windows.final import as_declared, as_float32, final
from streamrank.windows.layout import Summands
from streamrank.windows.reading import Keys
from streamrank.windows.slots import Feature, Slot
from streamrank.windows.spec import WindowedView


def finish(view: WindowedView, values: pa.LargeBinaryArray, names: Sequence[str], at_us: int) -> np.ndarray:
    """The named features at the instant `at_us`, float32 [n, len(names)]; NaN where missing.

    values: what is stored of each key, null for a key never seen, which reads as an empty one. Raises ValueError where
    a value was written in another format.
    """
    matrix, keys = np.empty((len(values), len(names)), np.float32), Keys(view, values)
    summed, others = _apart(view, tuple(names))
    for (slide_us, window_us), sums in summed.items():
        found = keys.sums(sums.summands, window_us, slide_us, at_us)
        matrix[:, sums.places] = as_float32(found[: len(sums.places)]).T
        by_slot = dict(zip(sums.slots, found, strict=True)) if sums.others else {}
        for place, feature in sums.others:
            matrix[:, place] = as_float32(final(feature, by_slot, view.scales))
    for place, (_, found) in zip(others, _finished(view, keys, [names[place] for place in others], at_us), strict=True):
        matrix[:, place] = as_float32(found)
    return matrix


def finish_columns(
    view: WindowedView, values: pa.LargeBinaryArray, names: Sequence[str], at_us: int
) -> dict[str, pa.Array]:
    """As `finish`, by name as arrays [n] of the declared types, null where missing."""
    return {
        feature.name: as_declared(feature, found)
        for feature, found in _finished(view, Keys(view, values), names, at_us)
    }


def applied(values: pa.LargeBinaryArray) -> np.ndarray:
    """Up to which position each shard is in each value, int64 [n, SHARDS]; NEVER where it never touched the key."""
    return reading.positions(values, SHARDS, NEVER)


@dataclass(frozen=True)
class Sums:
    """What is made of counts and sums over one window. slots: to sum up, first those that are features as they are.

    places: of these features, in the order of the slots. others: places and features that are made of several slots
    or in another scale. summands: where the slots are read.
    """

    slots: Sequence[Slot]
    summands: Summands
    places: Sequence[int]
    others: Sequence[tuple[int, Feature]]


Summed = dict[tuple[int, int], Sums]
ADDITIVE = ("count", "sum", "mean")


def _apart(view: WindowedView, names: tuple[str, ...]) -> tuple[Summed, list[int]]:
    """What counts and sums answer by slide and window, and the places of the others."""
    asked = (id(view.features), names)
    if asked not in _KNOWN:
        if len(_KNOWN) > MOST_KNOWN:
            _KNOWN.clear()
        _KNOWN[asked] = view.features, *_parted(view, names)
    return _KNOWN[asked][1:]


def _parted(view: WindowedView, names: tuple[str, ...]) -> tuple[Summed, list[int]]:
    known = {feature.name: feature for feature in view.features}
    additive, others = {}, []
    for place, name in enumerate(names):
        feature = known[name]
        if feature.slide_us and feature.function in ADDITIVE:
            additive.setdefault((feature.slide_us, feature.window_us), []).append((place, feature))
        else:
            others.append(place)
    return {window: _sums(view, features) for window, features in additive.items()}, others


def _sums(view: WindowedView, features: Sequence[tuple[int, Feature]]) -> Sums:
    """Of the features over one window, by place."""
    whole, others = [], []
    for place, feature in features:
        exact = feature.function != "mean" and feature.column not in view.scales
        (whole if exact else others).append((place, feature))
    slots = [feature.slots[0] for _, feature in whole]
    more = dict.fromkeys(slot for _, feature in others for slot in feature.slots if slot not in slots)
    wanted, (_, first) = [*slots, *more], features[0]
    summands = view.layout.summands(first.slide_us, wanted)
    return Sums(wanted, summands, [place for place, _ in whole], others)


MOST_KNOWN = 1_000
_KNOWN: dict[tuple, tuple] = {}  # holds the features too, whose identity is the key


def _finished(view: WindowedView, keys: Keys, names: Sequence[str], at_us: int) -> Iterator[tuple[Feature, np.ndarray]]:
    known = {feature.name: feature for feature in view.features}
    for name in names:
        feature = known[name]
        yield (
            feature,
            final(feature, {slot: keys.aggregate(feature, slot, at_us) for slot in feature.slots}, view.scales),
        )
