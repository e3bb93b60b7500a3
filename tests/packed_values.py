"""Keys and packed values by hand: a header of layout id, event timestamp and created, then any bytes."""

import struct
from collections.abc import Sequence

import numpy as np
import pyarrow as pa

PREFIX = b"streamrank:project:view:"


def column(values: Sequence[bytes]) -> pa.LargeBinaryArray:
    return pa.array(values, pa.large_binary())


def keys(count: int, prefix: bytes = PREFIX, start: int = 0) -> pa.LargeBinaryArray:
    return column([prefix + b"q" + struct.pack("<q", number) for number in range(start, start + count)])


def value(event_us: int, created_us: int, body: bytes = b"") -> bytes:
    return struct.pack("<Qqq", 7, event_us, created_us) + body


def values(of: pa.LargeBinaryArray, stamp: int = 1, copies: int = 3) -> pa.LargeBinaryArray:
    """Each key's own value at (stamp, stamp): its body repeats the key, so that a torn or foreign one shows."""
    return column([value(stamp, stamp, key * copies) for key in of.to_pylist()])


def ones(count: int) -> list[int]:
    return np.ones(count, int).tolist()
