"""Which of a cluster's 16,384 slots each key belongs to: CRC16 of the key, or of its {tag}, whole columns at a time."""

from binascii import crc_hqx

import numpy as np
import pyarrow as pa

from streamrank.stores.connection import wire

SLOTS = 16_384
TABLE = np.array([crc_hqx(bytes([byte]), 0) for byte in range(256)], np.uint16)


def slots(keys: pa.LargeBinaryArray) -> np.ndarray:
    """int64 [n]; about 0.5 us a key of 30 bytes."""
    bounds = wire.offsets(keys)
    buffer = keys.buffers()[2] if len(keys) else None
    data = np.frombuffer(buffer if buffer is not None else b"", np.uint8)
    begin, end = _tagged(data, bounds[:-1], bounds[1:])
    lengths = end - begin
    shared = _shared(data, begin, int(lengths.min())) if len(keys) else 0
    crc = np.full(len(keys), crc_hqx(data[begin[0] : begin[0] + shared].tobytes(), 0) if shared else 0, np.uint16)
    for position in range(shared, int(lengths.max(initial=0))):
        live = np.flatnonzero(position < lengths)
        byte = data[begin[live] + position]
        crc[live] = (crc[live] << 8) ^ TABLE[(crc[live] >> 8) ^ byte]
    return crc.astype(np.int64) % SLOTS


def _shared(data: np.ndarray, begin: np.ndarray, most: int) -> int:
    """How many bytes all keys begin with; those of one view share most of theirs."""
    for position in range(most):
        byte = data[begin + position]
        if (byte != byte[0]).any():
            return position
    return most


def _tagged(data: np.ndarray, begin: np.ndarray, end: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where the hashed part lies: between the first { and the first } after it, where that is not empty."""
    opening = _first(data, b"{", begin, end)
    closing = _first(data, b"}", opening + 1, end)
    tagged = (closing < end) & (closing > opening + 1)
    return np.where(tagged, opening + 1, begin), np.where(tagged, closing, end)


def _first(data: np.ndarray, char: bytes, begin: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Where `char` first occurs in each [begin, end); `end` where it does not."""
    places = np.append(np.flatnonzero(data == ord(char)), len(data))
    found = places[np.minimum(np.searchsorted(places, begin), len(places) - 1)]
    return np.where((found >= begin) & (found < end), found, end)
