"""A windowed feature counted event by event, in plain Python: no code of the engine, no SQL, no arrays.

It is what the engine is held against, so it reads like the rule: an event counts at t when it was known by then, or had
been applied, and its tile is among those that the window covers.
"""

import struct
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

Event = Mapping[str, object]
Known = Callable[[Event], bool]


@dataclass(frozen=True)
class Feature:
    """function: count, sum, mean, min, max or last of a column. length_us, slide_us: both None for a lifetime."""

    name: str
    function: str
    column: str
    length_us: int | None = None
    slide_us: int | None = None


@dataclass(frozen=True)
class View:
    """keys: the keys that an event counts for, each a tuple of strings. columns: what it adds, None for nothing."""

    keys: Callable[[Event], Iterable[tuple]]
    columns: Mapping[str, Callable[[Event], float | None]]
    features: Sequence[Feature]


class Recount:
    """The events of a view by key. events: dicts of the log's columns, with event_us, shard and position as ints."""

    def __init__(self, view: View, events: Iterable[Event]) -> None:
        self.view = view
        self._by_key: dict[tuple, list[Event]] = defaultdict(list)
        for event in events:
            for key in view.keys(event):
                self._by_key[key].append(event)

    def keys(self) -> Iterator[tuple]:
        """Every key that an event counts for."""
        return iter(self._by_key)

    def by_time(self, key: tuple, at_us: int) -> dict[str, float | None]:
        """The features from what was known at `at_us`: what a training row holds."""
        return self._values(key, at_us, lambda event: event["position"] <= at_us)

    def by_position(self, key: tuple, at_us: int, applied: Sequence[int | None]) -> dict[str, float | None]:
        """The features at `at_us` from what had been applied by shard, None where nothing: what a reader was served."""
        return self._values(
            key,
            at_us,
            lambda event: applied[event["shard"]] is not None and event["position"] <= applied[event["shard"]],
        )

    def _values(self, key: tuple, at_us: int, known: Known) -> dict[str, float | None]:
        events = [event for event in self._by_key.get(key, []) if known(event)]
        return {each.name: single(self._value(each, events, at_us)) for each in self.view.features}

    def _value(self, feature: Feature, events: list[Event], at_us: int) -> float | int | None:
        column = self.view.columns[feature.column]
        found = []
        for event in events:
            value = column(event)
            if value is not None and inside(event["event_us"], at_us, feature.length_us, feature.slide_us):
                found.append((event["event_us"], event["position"], value))
        values = [value for _, _, value in found]
        if feature.function == "count":
            return len(values)
        if feature.function == "sum":
            return sum(values)
        if not values:
            return None
        if feature.function == "mean":
            return float(sum(values)) / float(len(values))
        if feature.function == "last":
            return max(found)[2]
        return {"min": min, "max": max}[feature.function](values)


def inside(event_us: int, at_us: int, length_us: int | None, slide_us: int | None) -> bool:
    """Whether the event's tile is the open one or one of those that the window covers before it."""
    if length_us is None:
        return True
    now, then = at_us // slide_us, event_us // slide_us
    return now - length_us // slide_us <= then <= now


def single(value: float | int | None) -> float | None:
    """The value as a float32 holds it."""
    return None if value is None else struct.unpack("<f", struct.pack("<f", float(value)))[0]
