"""Sixteen bytes that stand for a text: what the bus remembers of an event_id. Whole columns, 0.1 us a row.

Two lanes of 64 bits, each mixed word by word with the steps of splitmix64. Texts that differ have equal digests with a
probability of about n^2 / 2^129; it is no defence against somebody who looks for two on purpose.
"""

import numpy as np
import pyarrow as pa

from streamrank.stores.connection.wire import offsets

DIGEST_BYTES = 16
_SEEDS = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xD1B54A32D192ED03))
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


def digests(texts: pa.Array | pa.ChunkedArray) -> np.ndarray:
    """uint8 [n, 16] of n strings without nulls; the same in every process and on every machine."""
    column = texts.cast(pa.large_binary())
    column = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    bounds = offsets(column)
    lengths = np.diff(bounds).astype(np.uint64)
    lanes = np.stack([_mixed(lengths + seed) for seed in _SEEDS])
    data = np.frombuffer(column.buffers()[2] or b"", np.uint8)
    data = np.concatenate([data[: bounds[-1]], np.zeros(8, np.uint8)])
    for word in range((int(lengths.max(initial=0)) + 7) // 8):
        live = np.flatnonzero(lengths > 8 * word)
        lanes[:, live] = _mixed(lanes[:, live] ^ _words(data, bounds[:-1][live] + 8 * word, bounds[1:][live]))
    return np.ascontiguousarray(lanes.T).view(np.uint8)


def _words(data: np.ndarray, start: np.ndarray, stop: np.ndarray) -> np.ndarray:
    """uint64 [n]: the eight bytes from `start`, those from `stop` on as zeros."""
    words = np.lib.stride_tricks.sliding_window_view(data, 8)[start].view(np.uint64)[:, 0]
    missing = np.maximum(0, start + 8 - stop).astype(np.uint64)
    return (words << (missing * np.uint64(8))) >> (missing * np.uint64(8))


def _mixed(values: np.ndarray) -> np.ndarray:
    values = (values ^ (values >> np.uint64(30))) * _FIRST
    values = (values ^ (values >> np.uint64(27))) * _SECOND
    return values ^ (values >> np.uint64(31))
