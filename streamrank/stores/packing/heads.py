"""What packed rows start with, ids of layouts and times: read for the rows of many views in one step."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyarrow as pa

from streamrank.stores.packing.layout import HEADER


@dataclass(slots=True)
class Heads:
    """Of n values. data: uint8, the bytes of all. starts, lengths: int64 [n], of each in it. found: bool [n], where
    there is a value; all: whether there is one everywhere. short: whether any is too short to have a head.

    words: int64 [3, n], layout, event time and creation; 0 where there is no value, or a short one. Nobody changes one:
    it is not frozen because a request makes two dozen, at a fifth of the cost.
    """

    data: np.ndarray
    starts: np.ndarray
    lengths: np.ndarray
    found: np.ndarray
    all: bool
    short: bool
    words: np.ndarray

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def ids(self) -> np.ndarray:
        """uint64 [n]: of the layouts."""
        return self.words[0].view(np.uint64)

    @property
    def event_us(self) -> np.ndarray:
        """int64 [n], us UTC."""
        return self.words[1]

    @property
    def created_us(self) -> np.ndarray:
        """int64 [n], us UTC."""
        return self.words[2]

    def part(self, start: int, stop: int) -> "Heads":
        """Of the values start..stop."""
        found = self.found[start:stop]
        return Heads(
            self.data, self.starts[start:stop], self.lengths[start:stop], found,
            self.all or np.count_nonzero(found) == len(found), self.short, self.words[:, start:stop],
        )  # fmt: skip


def heads_of(values: pa.LargeBinaryArray) -> Heads:
    """Of `values` [n], null where there is none."""
    offsets, data, found = offsets_of(values), data_of(values), valid_of(values)
    starts, lengths = offsets[:-1], offsets[1:] - offsets[:-1]
    read = found & (lengths >= HEADER)
    count, there = np.count_nonzero(read), np.count_nonzero(found)
    every = count == len(values)
    words = np.zeros((3, len(values)), np.int64)
    if count:
        first = windows_of(data, HEADER)[starts if every else starts[read]]
        words[:, slice(None) if every else read] = first.view("<i8").T
    return Heads(data, starts, lengths, found, there == len(values), count < there, words)


def heads_of_each(parts: Sequence[pa.LargeBinaryArray]) -> list[Heads]:
    """Of each array; those that lie one behind the other in one are read together."""
    whole = whole_of(parts)
    if whole is None:
        return [heads_of(part) for part in parts]
    heads, bounds = heads_of(whole), np.cumsum([0, *map(len, parts)]).tolist()
    return [heads.part(start, stop) for start, stop in pairwise(bounds)]


def whole_of(parts: Sequence[pa.LargeBinaryArray]) -> pa.LargeBinaryArray | None:
    """The array of which all these are parts, one behind the other, without a copy; None where they are not."""
    if len(parts) < 2:
        return None
    first = parts[0].buffers()
    at, rows = parts[0].offset, 0
    for part in parts:
        own = part.buffers()[1]
        if part.offset != at + rows or own is None or first[1] is None or own.address != first[1].address:
            return None
        rows += len(part)
    return pa.Array.from_buffers(pa.large_binary(), rows, first, offset=at)


def offsets_of(values: pa.LargeBinaryArray) -> np.ndarray:
    """int64 [n + 1]: where each value starts and ends in `data_of`."""
    if not len(values):
        return np.zeros(1, np.int64)
    return np.frombuffer(values.buffers()[1], np.int64)[values.offset : values.offset + len(values) + 1]


def data_of(values: pa.LargeBinaryArray) -> np.ndarray:
    """uint8: the bytes of the array's buffer."""
    buffer = values.buffers()[2]
    return np.frombuffer(buffer, np.uint8) if buffer is not None else np.empty(0, np.uint8)


def valid_of(values: pa.Array) -> np.ndarray:
    """bool [n]: where the array is not null."""
    if not values.null_count:
        return np.ones(len(values), np.bool_)
    bits = values.buffers()[0] if values.type.num_buffers > 1 else None  # an array of nulls only has none
    if bits is None:
        return values.is_valid().to_numpy(zero_copy_only=False)
    first, end = values.offset, values.offset + len(values)
    kept = np.frombuffer(bits, np.uint8)[first // 8 : -(-end // 8)]
    return np.unpackbits(kept, bitorder="little")[first % 8 : first % 8 + len(values)].view(np.bool_)


def windows_of(data: np.ndarray, size: int) -> np.ndarray:
    """uint8 [len(data) - size + 1, size], the bytes from each one on; a view, made in a tenth of numpy's own time."""
    return np.ndarray((len(data) - size + 1, size), np.uint8, buffer=data, strides=(1, 1))
