"""From stored values to features at an instant, for all keys at once."""

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa

from streamrank.events.shards import NEVER, SHARDS
from streamrank.windows import reading
from streamrank.windows.adding import ADDITIVE, Group, groups_of
from streamrank.windows.final import as_declared, as_float32, final
from streamrank.windows.reading import Heads, Keys, heads_of
from streamrank.windows.slots import Feature
from streamrank.windows.spec import WindowedView

Values = pa.LargeBinaryArray | Heads
"""Stored values; or their heads, where those were read with others'."""


def finish(view: WindowedView, values: Values, names: Sequence[str], at_us: int) -> np.ndarray:
    """The named features at the instant `at_us`, float32 [n, len(names)]; NaN where missing.

    values: what is stored of each key, null for a key never seen, which reads as an empty one. Raises ValueError where
    a value was written in another format.
    """
    heads = _headed(values)
    if not len(heads.present):
        return np.repeat(_nothing(view, tuple(names)), heads.rows, axis=0)
    return _finished_all(view, heads, names, at_us)


def _finished_all(view: WindowedView, heads: Heads, names: Sequence[str], at_us: int) -> np.ndarray:
    matrix, keys = np.empty((heads.rows, len(names)), np.float32), Keys(view, heads)
    groups, others = _apart(view, tuple(names))
    for group in groups:
        found = keys.added(group, at_us)
        matrix[:, group.places] = as_float32(found[group.of_slot, :, group.of_window]).T
        for place, feature, window in group.others:
            sums = dict(zip(group.slots, found[:, :, window], strict=True))
            matrix[:, place] = as_float32(final(feature, sums, view.scales))
    for place, (_, found) in zip(others, _finished(view, keys, [names[place] for place in others], at_us), strict=True):
        matrix[:, place] = as_float32(found)
    return matrix


def finish_columns(view: WindowedView, values: Values, names: Sequence[str], at_us: int) -> dict[str, pa.Array]:
    """As `finish`, by name as arrays [n] of the declared types, null where missing."""
    return {
        feature.name: as_declared(feature, found)
        for feature, found in _finished(view, Keys(view, _headed(values)), names, at_us)
    }


def applied(values: pa.LargeBinaryArray) -> np.ndarray:
    """Up to which position each shard is in each value, int64 [n, SHARDS]; NEVER where it never touched the key."""
    return reading.positions(values, SHARDS, NEVER)


def _headed(values: Values) -> Heads:
    return values if isinstance(values, Heads) else heads_of(values)


def _apart(view: WindowedView, names: tuple[str, ...]) -> tuple[list[Group], list[int]]:
    """How counts and sums over windows are answered, and the places of all other features."""
    asked = (id(view.features), names)
    if asked not in _KNOWN:
        if len(_KNOWN) > MOST_KNOWN:
            _KNOWN.clear()
        _KNOWN[asked] = view.features, *_parted(view, names)
    return _KNOWN[asked][1:]


def _parted(view: WindowedView, names: tuple[str, ...]) -> tuple[list[Group], list[int]]:
    known = {feature.name: feature for feature in view.features}
    placed = [(place, known[name]) for place, name in enumerate(names)]
    added = [each for each in placed if each[1].slide_us and each[1].function in ADDITIVE]
    return groups_of(view.layout, added, view.scales), [each[0] for each in placed if each not in added]


def _nothing(view: WindowedView, names: tuple[str, ...]) -> np.ndarray:
    """What a key that was never seen has at any instant, float32 [1, len(names)]."""
    asked = (id(view.features), names)
    if asked not in _NOTHING:
        if len(_NOTHING) > MOST_KNOWN:
            _NOTHING.clear()
        _NOTHING[asked] = view.features, _finished_all(view, heads_of(pa.nulls(1, pa.large_binary())), names, 0)
    return _NOTHING[asked][1]


MOST_KNOWN = 1_000
_KNOWN: dict[tuple, tuple] = {}  # holds the features too, whose identity is the key
_NOTHING: dict[tuple, tuple] = {}  # the same


def _finished(view: WindowedView, keys: Keys, names: Sequence[str], at_us: int) -> Iterator[tuple[Feature, np.ndarray]]:
    known = {feature.name: feature for feature in view.features}
    for name in names:
        feature = known[name]
        yield (
            feature,
            final(feature, {slot: keys.aggregate(feature, slot, at_us) for slot in feature.slots}, view.scales),
        )
