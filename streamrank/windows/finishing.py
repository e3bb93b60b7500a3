"""From stored values to features at an instant, for all keys at once."""

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa

from streamrank.events.shards import NEVER, SHARDS
from streamrank.windows import reading
from streamrank.windows.final import as_declared, as_float32, final
from streamrank.windows.reading import Keys
from streamrank.windows.slots import Feature
from streamrank.windows.spec import WindowedView


def finish(view: WindowedView, values: pa.LargeBinaryArray, names: Sequence[str], at_us: int) -> np.ndarray:
    """The named features at the instant `at_us`, float32 [n, len(names)]; NaN where missing.

    values: what is stored of each key, null for a key never seen, which reads as an empty one. Raises ValueError where
    a value was written in another format.
    """
    matrix = np.empty((len(values), len(names)), np.float32)
    for place, (_, found) in enumerate(_finished(view, values, names, at_us)):
        matrix[:, place] = as_float32(found)
    return matrix


def finish_columns(
    view: WindowedView, values: pa.LargeBinaryArray, names: Sequence[str], at_us: int
) -> dict[str, pa.Array]:
    """As `finish`, by name as arrays [n] of the declared types, null where missing."""
    return {feature.name: as_declared(feature, found) for feature, found in _finished(view, values, names, at_us)}


def applied(values: pa.LargeBinaryArray) -> np.ndarray:
    """Up to which position each shard is in each value, int64 [n, SHARDS]; NEVER where it never touched the key."""
    return reading.positions(values, SHARDS, NEVER)


def _finished(
    view: WindowedView, values: pa.LargeBinaryArray, names: Sequence[str], at_us: int
) -> Iterator[tuple[Feature, np.ndarray]]:
    known = {feature.name: feature for feature in view.features}
    keys = Keys(view, values)
    for name in names:
        feature = known[name]
        yield (
            feature,
            final(feature, {slot: keys.aggregate(feature, slot, at_us) for slot in feature.slots}, view.scales),
        )
