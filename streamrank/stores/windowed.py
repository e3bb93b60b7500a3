"""Where the values of a view over events lie: which generation of them is read, found out in the fetch that reads them.

A rebuild fills a new generation of keys beside the one that is read, and then moves a pointer. The pointers of a
request's views are fetched behind their keys, so that values count only if their generation was still the one to read.
"""

import json
import logging
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from feast import FeatureView

from streamrank.stores.connection import Connection
from streamrank.stores.packed_view import PackedView
from streamrank.stores.packing import keys as key_bytes
from streamrank.stores.packing.columns import valid_of
from streamrank.stream.views import StreamedView, is_streamed, streamed_view
from streamrank.windows.spec import WindowedView

logger = logging.getLogger(__name__)

Steps = Generator[pa.LargeBinaryArray, pa.LargeBinaryArray, Any]


@dataclass(frozen=True)
class Windows:
    """A view over events in the online store. prefix: of the keys that its packed view makes. pointer: the key where
    the generation to read is written. window: what it has of windows, None of latest acts, whose rows are packed ones.
    """

    project: str
    name: str
    prefix: bytes
    pointer: bytes
    window: WindowedView | None

    @staticmethod
    def of(project: str, view: FeatureView, packed: PackedView) -> "Windows | None":
        """None where the view is none of ours over events."""
        if not is_streamed(view):
            return None
        found = _streamed(view)
        pointer = key_bytes.pointer_key(project, view.name, found.fingerprint)
        return Windows(project, view.name, packed.prefix, pointer, found if isinstance(found, WindowedView) else None)

    def keys_in(self, generation: bytes, keys: pa.LargeBinaryArray) -> pa.LargeBinaryArray:
        """The packed view's keys as those of a generation, null where they are."""
        prefix = key_bytes.generation_prefix(self.project, self.name, generation)
        return pc.binary_replace_slice(keys, 0, len(self.prefix), prefix)


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
    """The keys of one view that are fetched with those of others, made by its packed view."""

    keys: pa.LargeBinaryArray
    windows: Windows | None = None


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
        keys = [_keys(part, used) for part in parts]
        values = yield from values_of(pa.concat_arrays([*keys, pointers]))
        found = values[len(values) - len(pointers) :].to_pylist()
        for windows, generation in zip(windowed.values(), found, strict=True):
            generations.learn(windows, generation)
        if found == [*used.values()]:
            return _shares(parts, keys, used, values)


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


def _keys(part: Part, used: Mapping[bytes, bytes | None]) -> pa.LargeBinaryArray:
    if part.windows is None:
        return part.keys
    generation = used[part.windows.pointer]
    return part.keys[:0] if generation is None else part.windows.keys_in(generation, part.keys)


def _shares(
    parts: Sequence[Part], keys: Sequence[pa.LargeBinaryArray], used: Mapping[bytes, bytes | None],
    values: pa.LargeBinaryArray,
) -> list[pa.LargeBinaryArray | None]:  # fmt: skip
    shares, start = [], 0
    for part, own in zip(parts, keys, strict=True):
        unfilled = part.windows is not None and used[part.windows.pointer] is None
        nothing = None if _has_windows(part) else pa.nulls(len(part.keys), pa.large_binary())
        shares.append(nothing if unfilled else values.slice(start, len(own)))
        start += len(own)
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
