"""One windowed view with every function over several windows, for tests of its tiles; see `windows_reference`."""

import itertools
from collections import defaultdict

import numpy as np
import pyarrow as pa
from windowed_views import SECOND, Tiles, aggregation, stream_view, windowed_view
from windows_reference import Event, Wanted, float32, value

from streamrank.windows.finishing import finish
from streamrank.windows.spec import WindowedView

COLUMNS = {"views": pa.int64(), "price": pa.float64(), "score": pa.float64(), "seen": pa.int32()}
STEPS = {"price": 100}
WINDOWS = [(3 * SECOND, SECOND), (8 * SECOND, SECOND), (12 * SECOND, 4 * SECOND), (None, None)]
AGGREGATES = [
    ("count", "views"), ("sum", "views"), ("mean", "views"), ("sum", "price"), ("mean", "price"), ("min", "score"),
    ("max", "score"), ("last", "score"), ("count", "seen"), ("last", "views"),
]  # fmt: skip
WANTED = [
    Wanted(f"{function}_{column}_{window}_{slide}", function, column, window, slide, STEPS.get(column, 1))
    for window, slide in WINDOWS
    for function, column in AGGREGATES
]
KEYS = ["a", "b", "c"]


def whole_view() -> WindowedView:
    declared = stream_view([aggregation(each) for each in WANTED], ", ".join(COLUMNS), scales={"price": 0.01})
    return windowed_view(declared)


def batches(events: list[Event], cuts: list[int]) -> list[list[Event]]:
    bounds = sorted({0, len(events), *(cut % (len(events) + 1) for cut in cuts)})
    return [events[start:stop] for start, stop in itertools.pairwise(bounds)]


def ranges(batch: list[Event]) -> tuple[dict[int, int], dict[int, int]]:
    """First and last position by shard."""
    positions = defaultdict(list)
    for one in batch:
        positions[one.shard].append(one.position)
    return {shard: min(own) for shard, own in positions.items()}, {shard: max(own) for shard, own in positions.items()}


def check(tiles: Tiles, events: list[Event], at_us: int, keys: list[str] = KEYS, only: str = "") -> None:
    asked = [wanted for wanted in WANTED if only in wanted.name]
    found = finish(tiles.view, tiles.values(keys), [wanted.name for wanted in asked], at_us)
    expected = [[float32(value(events, key, wanted, at_us)) for wanted in asked] for key in keys]
    np.testing.assert_array_equal(found, np.array(expected, np.float32))


def event(key: str, shard: int, second: int, position: int, **values) -> Event:
    return Event(key, shard, second * SECOND, position, values or {"views": 1})
