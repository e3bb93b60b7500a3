"""Windowed features counted row by row in plain Python, from the contract alone: nothing of the engine is used."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Event:
    """time_us, position: microseconds. values: by column, None for null."""

    key: str
    shard: int
    time_us: int
    position: int
    values: Mapping[str, float | None]


@dataclass(frozen=True)
class Wanted:
    """window_us, slide_us: None for a lifetime. steps: a unit, of a column in fixed point."""

    name: str
    function: str
    column: str
    window_us: int | None = None
    slide_us: int | None = None
    steps: int = 1


def value(events: Sequence[Event], key: str, wanted: Wanted, at_us: int) -> float | None:
    """The feature of `key` at `at_us` over `events`, None where missing; the float64 before any cast."""
    own = [event for event in events if event.key == key and event.values.get(wanted.column) is not None]
    counted = [event for event in own if _counts(event, wanted, at_us)]
    values = [event.values[wanted.column] for event in counted]
    if wanted.function == "count":
        return len(values)
    if wanted.function in ("sum", "mean"):
        total = sum(_steps(value, wanted.steps) for value in values)
        if wanted.function == "sum":
            return total / wanted.steps
        return total / (len(values) * wanted.steps) if values else None
    if not values:
        return None
    if wanted.function == "last":
        latest = max(counted, key=lambda event: (event.time_us, event.position, event.values[wanted.column]))
        return latest.values[wanted.column]
    return {"min": min, "max": max}[wanted.function](values)


def float32(found: float | None) -> np.float32:
    return np.float32(np.nan if found is None else found)


def _counts(event: Event, wanted: Wanted, at_us: int) -> bool:
    if wanted.window_us is None:
        return True
    now, tile = at_us // wanted.slide_us, event.time_us // wanted.slide_us
    return now - wanted.window_us // wanted.slide_us <= tile <= now


def _steps(value: float, steps: int) -> int:
    """Half away from zero."""
    scaled = value * steps
    return int(scaled + 0.5) if scaled >= 0 else -int(-scaled + 0.5)
