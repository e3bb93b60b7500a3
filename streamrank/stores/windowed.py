"""Where the values of a view over events lie: which generation of them is read, found out in the fetch that reads them.

A rebuild fills a new generation of keys beside the one that is read, and then moves a pointer. The pointers of a
request's views are fetched behind their keys, so that values count only if their generation was still the one to read.
"""

import json
import logging
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from feast import FeatureView

from streamrank.stores.connection import Connection
from streamrank.stores.packing import keys as key_bytes
from streamrank.stores.packing.heads import valid_of
from streamrank.stream.views import StreamedView, is_streamed, streamed_view
from streamrank.windows.spec import WindowedView

logger = logging.getLogger(__name__)

Steps = Generator[pa.LargeBinaryArray, pa.LargeBinaryArray, Any]


@dataclass(frozen=True)
class Windows:
    """A view over events in the online store. pointer: the key where the generation to read is written. window: what it
    has of windows, None of latest acts, whose rows are packed ones."""

    project: str
    name: str
    pointer: bytes
    window: WindowedView | None

    @staticmethod
    def of(project: str, view: FeatureView) -> "Windows | None":
        """None where the view is none of ours over events."""
        if not is_streamed(view):
            return None
        found = _streamed(view)
        pointer = key_bytes.pointer_key(project, view.name, found.fingerprint)
        return Windows(project, view.name, pointer, found if isinstance(found, WindowedView) else None)

    def prefix_in(self, generation: bytes) -> bytes:
        """What the keys of a generation start with, in place of the packed view's prefix."""
        return key_bytes.generation_prefix(self.project, self.name, generation)


def _streamed(view: FeatureView) -> StreamedView:
    """What the view declares; reading it takes milliseconds, so that it is done once for each declaration."""
    aggregations = [(each.column, each.function, each.time_window, each.slide_interval, each.name)
                    for each in getattr(view, "aggregations", None) or ()]  # fmt: skip
    fields = [(each.name, str(each.dtype)) for each in (*view.features, *view.entity_columns)]
    place = (view.name, view.ttl, json.dumps(view.batch_source._options()), *aggregations, *fields)
    if place not in _declared:
        _declared[place] = streamed_view(view)
    return _declared[place]


_declared: dict[tuple, StreamedView] = {}


class Generations:
    """The generation of each windowed view that was read last, by pointer; safe to share between threads."""

    def __init__(self) -> None:
        self._held: dict[bytes, bytes | None] = {}

    def of(self, windows: Windows) -> bytes | None:
        """None where none is known yet."""
        return self._held.get(windows.pointer)

    def learn(self, windows: Windows, found: bytes | None) -> None:
        """Holds what a pointer said; says once of each view that it has no generation."""
        if found is None and windows.pointer not in self._held:
            logger.warning(
                "feature view %r: nothing of its present declaration is filled, its features are missing; "
                "`streamrank stream` fills them",
                windows.name,
            )
        self._held[windows.pointer] = found


@dataclass(frozen=True)
class Part:
    """The keys of one view that are fetched with those of others: what they start with, and what each ends with, as its
    packed view says."""

    prefix: bytes
    ends: pa.LargeBinaryArray
    windows: Windows | None = None

    def prefix_in(self, used: Mapping[bytes, bytes | None]) -> bytes | None:
        """Of the keys to read, where `used` are the generations by pointer; None where nothing is to be read."""
        if self.windows is None:
            return self.prefix
        generation = used[self.windows.pointer]
        return None if generation is None else self.windows.prefix_in(generation)


def fetched(parts: Sequence[Part], generations: Generations) -> Steps:
    """Yields keys to fetch, is sent their values; returns each part's values [keys], null where there is none or where
    a key is null. None in place of windows where no generation of their view is filled.

    One fetch, and another one as often as a pointer turns out to have moved. Windows come first, since their values
    are whole words, which are then aligned in memory.
    """
    ordered = sorted(range(len(parts)), key=lambda place: not _has_windows(parts[place]))
    shares = yield from _in_order([parts[place] for place in ordered], generations)
    return [shares[ordered.index(place)] for place in range(len(parts))]


def _in_order(parts: Sequence[Part], generations: Generations) -> Steps:
    windowed = {part.windows.pointer: part.windows for part in parts if part.windows}
    pointers = pa.array(windowed, pa.large_binary())
    while True:
        used = {pointer: generations.of(windows) for pointer, windows in windowed.items()}
        sizes, keys = _keys(parts, used, pointers)
        values = yield from values_of(keys)
        found = values[len(values) - len(pointers) :].to_pylist()
        for windows, generation in zip(windowed.values(), found, strict=True):
            generations.learn(windows, generation)
        if found == [*used.values()]:
            return _shares(parts, sizes, values)


def run(steps: Steps, connection: Connection) -> Any:
    """What `steps` returns, its keys fetched one request after the other."""
    sent = None
    try:
        while True:
            sent = connection.fetch(steps.send(sent))
    except StopIteration as finished:
        return finished.value


async def run_async(steps: Steps, connection: Connection) -> Any:
    """As `run`; other tasks run while the server is waited for."""
    sent = None
    try:
        while True:
            sent = await connection.fetch_async(steps.send(sent))
    except StopIteration as finished:
        return finished.value


def _keys(
    parts: Sequence[Part], used: Mapping[bytes, bytes | None], pointers: pa.LargeBinaryArray
) -> tuple[list[int | None], pa.LargeBinaryArray]:
    """How many keys each part has, None where nothing of it is to be read; and the keys of all, then the pointers."""
    prefixes = [part.prefix_in(used) for part in parts]
    sizes = [None if prefix is None else len(part.ends) for prefix, part in zip(prefixes, parts, strict=True)]
    starts = pa.array([*prefixes, b""], pa.large_binary()).take(
        pa.array(np.repeat(np.arange(len(parts) + 1), [*(size or 0 for size in sizes), len(pointers)]))
    )
    ends = [part.ends for size, part in zip(sizes, parts, strict=True) if size]
    return sizes, key_bytes.joined(starts, pa.concat_arrays([*ends, pointers]))


def _shares(
    parts: Sequence[Part], sizes: Sequence[int | None], values: pa.LargeBinaryArray
) -> list[pa.LargeBinaryArray | None]:
    shares, start = [], 0
    for part, size in zip(parts, sizes, strict=True):
        nothing = None if _has_windows(part) else pa.nulls(len(part.ends), pa.large_binary())
        shares.append(nothing if size is None else values.slice(start, size))
        start += size or 0
    return shares


def _has_windows(part: Part) -> bool:
    return part.windows is not None and part.windows.window is not None


def values_of(keys: pa.LargeBinaryArray) -> Steps:
    """The values of keys, null where a key is null."""
    if not keys.null_count:
        return (yield keys) if len(keys) else keys
    known = valid_of(keys)
    values = (yield keys.drop_null()) if known.any() else keys[:0]
    return values.take(pa.array(known.cumsum() - 1, mask=~known))
