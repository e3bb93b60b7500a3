"""Publishing: events are put in the order of their shards, cut into chunks, and appended until all are answered."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from streamrank.events.bus import Published
from streamrank.events.digests import digests
from streamrank.events.redis_streams.chunks import encode
from streamrank.events.shards import SHARDS, shards_of

CHUNK_EVENTS = 2_048  # taking one holds up the server's other callers for a few milliseconds
CHUNK_BYTES = 4 << 20  # of events that are longer than usual fewer go into one
Append = Callable[[list["Piece"]], list[list[bytes]]]


@dataclass(frozen=True)
class Piece:
    """Rows [start, stop) of the offered events in the order of shards: one chunk."""

    shard: int
    start: int
    stop: int
    chunk: bytes = field(repr=False)
    ids: bytes = field(repr=False)


class Offer:
    """n offered events on their way; `published` says what is known of them so far.

    events: of the offered schema, in one piece each column. shard_keys: string [n]. schema_name: the fingerprint of
    the schema.
    """

    def __init__(self, events: pa.Table, shard_keys: pa.Array, schema_name: bytes) -> None:
        self._schema_name = schema_name
        shards = shards_of(shard_keys)
        self._order = np.argsort(shards, kind="stable")
        bounds = np.searchsorted(shards[self._order], np.arange(SHARDS + 1))
        self._next, self._stops = bounds[:-1].copy(), bounds[1:]
        (self._batch,) = events.take(pa.array(self._order)).combine_chunks().to_batches() or [None]
        self._ids = digests(events["event_id"])[self._order]
        self._rows = max(1, min(CHUNK_EVENTS, CHUNK_BYTES * len(events) // max(1, events.nbytes)))
        self._positions = np.zeros(len(events), np.int64)
        self._duplicate = np.zeros(len(events), bool)

    def pieces(self) -> list[Piece]:
        """The next chunk of each shard; a shard's next one follows only when this one is answered."""
        return list(self._pieces())

    def _pieces(self) -> Iterator[Piece]:
        for shard in np.flatnonzero(self._next < self._stops):
            start = int(self._next[shard])
            stop = int(min(start + self._rows, self._stops[shard]))
            chunk = encode(self._batch.slice(start, stop - start), self._schema_name)
            yield Piece(int(shard), start, stop, chunk, self._ids[start:stop].tobytes())

    def answered(self, piece: Piece, reply: list[bytes]) -> bool:
        """Notes what became of a piece; False when its shard was full."""
        if not reply:
            return False
        places = np.arange(piece.start, piece.stop)
        if dropped := reply[1]:
            left_out = np.frombuffer(dropped, np.uint32)
            self._duplicate[piece.start + left_out] = True
            places = np.delete(places, left_out)
        self._positions[places] = int(reply[0]) + np.arange(len(places))
        self._next[piece.shard] = piece.stop
        return True

    def published(self) -> Published:
        positions, duplicate = np.empty_like(self._positions), np.empty_like(self._duplicate)
        positions[self._order], duplicate[self._order] = self._positions, self._duplicate
        return Published(positions, duplicate)
