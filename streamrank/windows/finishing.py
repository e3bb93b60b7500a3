"""From stored values to features at an instant, for all keys at once."""

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa

from streamrank.events.shards import NEVER, SHARDS
from streamrank.windows import reading
from streamrank.windows.final import as_declared, as_float32, final
from streamrank.windows.reading import Keys
from streamrank.windows.slots import Feature, Slot
from streamrank.windows.spec import WindowedView


def finish(view: WindowedView, values: pa.LargeBinaryArray, names: Sequence[str], at_us: int) -> np.ndarray:
    """The named features at the instant `at_us`, float32 [n, len(names)]; NaN where missing.

    values: what is stored of each key, null for a key never seen, which reads as an empty one. Raises ValueError where
    a value was written in another format.
    """
    matrix, keys = np.empty((len(values), len(names)), np.float32), Keys(view, values)
    additive, others = _apart(view, tuple(names))
    for (slide_us, window_us), (places, slots) in additive.items():
        matrix[:, places] = as_float32(keys.sums(slide_us, window_us, slots, at_us)).T
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


Additive = dict[tuple[int, int], tuple[list[int], list[Slot]]]


def _apart(view: WindowedView, names: tuple[str, ...]) -> tuple[Additive, list[int]]:
    """The places of counts and sums of integers with their slots, by slide and window; the places of the others."""
    asked = (id(view.features), names)
    if asked not in _KNOWN:
        if len(_KNOWN) > MOST_KNOWN:
            _KNOWN.clear()
        additive: Additive = {}
        others = []
        known = {feature.name: feature for feature in view.features}
        for place, name in enumerate(names):
            feature = known[name]
            if feature.slide_us and feature.function in ("count", "sum") and feature.column not in view.scales:
                places, slots = additive.setdefault((feature.slide_us, feature.window_us), ([], []))
                places.append(place)
                slots.append(feature.slots[0])
            else:
                others.append(place)
        _KNOWN[asked] = view.features, additive, others
    return _KNOWN[asked][1:]


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
