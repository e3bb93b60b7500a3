"""The bus on Redis Streams: a stream for each shard, on a single server, behind Sentinels or in a cluster."""

import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from streamrank import clock
from streamrank.events.bus import BusFull, Published, Sight, Trimmed
from streamrank.events.digests import digests
from streamrank.events.redis_streams import chunks, scripts
from streamrank.events.redis_streams.append import APPEND
from streamrank.events.redis_streams.calls import Calls
from streamrank.events.redis_streams.chunks import Chunk
from streamrank.events.redis_streams.keys import project_key, shard_prefix
from streamrank.events.redis_streams.lease import Lease
from streamrank.events.redis_streams.publishing import Offer, Piece
from streamrank.events.redis_streams.schemas import Schemas, refuse_nulls
from streamrank.events.shards import NEVER, SHARDS
from streamrank.stores.connection import Connection, StoreFull

ALL = range(SHARDS)
GENERATIONS = 4
PAUSES = (0.005, 0.01, 0.02, 0.05, 0.1)
POLL_SECONDS = 0.005


class RedisStreams:
    """See `streamrank.events.bus.Bus`; made by `redis_bus`. Safe to share between threads and forked processes.

    Every method raises StoreUnreachable where no server answers and StoreDenied where it refuses the user.
    """

    def __init__(
        self, connection: Connection, project: str, schema: pa.Schema, horizon: timedelta, limit_bytes: int,
        patience: timedelta,
    ) -> None:  # fmt: skip
        self.connection, self.project = connection, project
        self.schema, self._schemas = chunks.stamped_schema(schema), Schemas(connection, project, schema)
        self._span = b"%d" % max(1, horizon // timedelta(microseconds=1) // GENERATIONS)
        self._limit_bytes, self._patience = limit_bytes, patience
        self._prefixes = [shard_prefix(project, shard) for shard in ALL]

    def publish(self, events: pa.Table, shard_keys: pa.Array) -> Published:
        if not len(events):
            return Published(np.zeros(0, np.int64), np.zeros(0, bool))
        refuse_nulls("shard_keys", shard_keys)
        offer = Offer(self._conform(events), shard_keys, self._schemas.name)
        full_since, attempt = None, 0
        while pieces := offer.pieces():
            if self._append(offer, pieces):
                full_since, attempt = None, 0
                continue
            full_since = full_since or time.monotonic()
            if time.monotonic() - full_since >= self._patience.total_seconds():
                raise BusFull(self._too_full(), offer.published())
            time.sleep(PAUSES[min(attempt, len(PAUSES) - 1)])
            attempt += 1
        return offer.published()

    def append_calls(self, events: pa.Table, shards: np.ndarray) -> dict[int, tuple[bytes, list[bytes]]]:
        """By shard what APPEND_LUA's `append` wants for its events: the key, and the five arguments behind it.

        For scripts that append in the same step that changes a state of their own; a full shard takes them too.
        events: as `publish` takes them. shards: int [n], of each event, ascending.
        """
        if not len(events):
            return {}
        conformed = self._conform(events)
        (batch,), ids = conformed.combine_chunks().to_batches(), digests(conformed["event_id"])
        found, begins = np.unique(shards, return_index=True)
        return {
            int(shard): (
                self._prefixes[shard],
                self._append_arguments(batch.slice(begin, stop - begin), ids[begin:stop]),
            )
            for shard, begin, stop in zip(found, begins, [*begins[1:], len(events)], strict=True)
        }

    def _append_arguments(self, batch: pa.RecordBatch, ids: np.ndarray) -> list[bytes]:
        return [self._clock(), self._span, b"0", ids.tobytes(), chunks.encode(batch, self._schemas.name)]

    def read(self, after: Mapping[int, int], most: int, wait_ms: int = 0) -> dict[int, pa.Table]:
        deadline = time.monotonic() + wait_ms / 1_000
        while True:
            share = max(1, most // max(1, len(after)))
            arguments = [(_text(position), b"%d" % share, b"inf") for position in after.values()]
            replies = self._call(scripts.READ, list(after), arguments)
            found = self._tables({shard: reply for shard, reply in zip(after, replies, strict=True) if reply}, after)
            if found or time.monotonic() >= deadline:
                return found
            time.sleep(POLL_SECONDS)

    def read_range(self, shard: int, first: int, last: int) -> pa.Table:
        if first > last:
            return self.schema.empty_table()
        (reply,) = self._call(scripts.READ, [shard], [(_text(first - 1), b"inf", b"%d" % last)])
        trimmed = self._state([shard])[0][4]
        if trimmed and int(trimmed) >= first:
            raise Trimmed(
                f"bus of project {self.project!r}, shard {shard}: expected the events {first} to {last}, found those "
                f"up to {int(trimmed)} trimmed; register the consumer before it reads, so that they are kept"
            )
        if not reply:
            return self.schema.empty_table()
        found = self._tables({shard: reply}, {shard: first - 1})[shard]
        return found.filter(pc.less_equal(found["log_position"], last))

    def ends(self) -> np.ndarray:
        return np.array([_position(held[0]) for held in self._state(ALL)], np.int64)

    def begin(self, last: np.ndarray) -> None:
        self._call(scripts.BEGIN, ALL, [(b"%d" % position,) for position in last])

    def register(self, consumer: str, positions: Mapping[int, int]) -> None:
        self.commit(consumer, positions)

    def unregister(self, consumer: str) -> None:
        self._call(scripts.UNREGISTER, ALL, [(consumer.encode(),)] * SHARDS)

    def committed(self, consumer: str) -> np.ndarray:
        replies = self._call(scripts.COMMITTED, ALL, [(consumer.encode(),)] * SHARDS)
        return np.array([_position(reply) for reply in replies], np.int64)

    def consumers(self) -> dict[str, np.ndarray]:
        """Every registered consumer's committed positions, int64 [SHARDS], NEVER where it has none."""
        found: dict[str, np.ndarray] = {}
        for shard, reply in enumerate(self._call(scripts.CONSUMERS, ALL, [()] * SHARDS)):
            for name, position in zip(reply[::2], reply[1::2], strict=True):
                found.setdefault(name.decode(), np.full(SHARDS, NEVER))[shard] = int(position)
        return found

    def commit(self, consumer: str, positions: Mapping[int, int]) -> None:
        arguments = [(consumer.encode(), b"%d" % position) for position in positions.values()]
        self._call(scripts.COMMIT, list(positions), arguments)

    def trim(self) -> int:
        return sum(int(reply) for reply in self._call(scripts.TRIM, ALL, [()] * SHARDS))

    def size_bytes(self) -> int:
        return sum(int(held[1] or 0) - int(held[2] or 0) for held in self._state(ALL))

    def sight(self, expected: str, mark: str, last: np.ndarray) -> Sight:
        arguments = [(expected.encode(), mark.encode(), b"%d" % position) for position in last]
        replies = self._call(scripts.SIGHT, ALL, arguments)
        ends = np.array([_position(reply[0]) for reply in replies], np.int64)
        counts = np.array([[int(text) for text in reply[1:]] for reply in replies], np.int64)
        return Sight(ends, counts[:, 0], counts[:, 1] > 0, counts[:, 2])

    def lease(self, name: str, length: timedelta) -> Lease:
        return Lease(self.connection, project_key(self.project, f"lease:{name}"), length)

    def _append(self, offer: Offer, pieces: Sequence[Piece]) -> bool:
        """Whether any piece was answered; those whose shard is full are offered again."""
        limit, now = b"%d" % max(1, self._limit_bytes // SHARDS), self._clock()
        arguments = [(now, self._span, limit, piece.ids, piece.chunk) for piece in pieces]
        try:
            replies = self._call(APPEND, [piece.shard for piece in pieces], arguments)
        except StoreFull:
            return False
        return sum(offer.answered(piece, reply) for piece, reply in zip(pieces, replies, strict=True)) > 0

    def _conform(self, events: pa.Table) -> pa.Table:
        conformed = self._schemas.conform(events)
        self._schemas.announce()
        return conformed

    def _tables(self, replies: Mapping[int, list[bytes]], after: Mapping[int, int]) -> dict[int, pa.Table]:
        """The replies' chunks as a table a shard, cut to what lies above `after`; made as one, since most are small."""
        if not replies:
            return {}
        held = {shard: _chunks(reply) for shard, reply in replies.items()}
        batches = {shard: [chunk.batch(self._schemas.of(chunk.schema_name)) for chunk in held[shard]] for shard in held}
        whole = chunks.table(
            [chunk for own in held.values() for chunk in own], [batch for own in batches.values() for batch in own],
            [shard for shard, own in held.items() for _ in own], self.schema,
        )  # fmt: skip
        tables, at = {}, 0
        for shard, own in batches.items():
            rows, cut = sum(batch.num_rows for batch in own), max(0, after[shard] + 1 - held[shard][0].first)
            tables[shard] = whole.slice(at + cut, rows - cut)
            at += rows
        return tables

    def _clock(self) -> bytes:
        return b"" if clock.is_wall() else b"%d" % clock.now_us()

    def _state(self, shards: Sequence[int]) -> list[list[bytes | None]]:
        return self._call(scripts.STATE, shards, [()] * len(shards))

    def _call(self, script: bytes, shards: Sequence[int], arguments: Sequence[Sequence[bytes]]) -> list[Any]:
        keys = [self._prefixes[shard] for shard in shards]
        return [reply for answer in self.connection.ask(Calls(script, keys, arguments)) for reply in answer]

    def _too_full(self) -> str:
        """Names who holds it up: a consumer that has ended without saying so keeps everything."""
        ends = self.ends()
        behind = {name: int((ends > held).sum()) for name, held in self.consumers().items()}
        waiting = ", ".join(f"{name} ({shards} shards)" for name, shards in behind.items() if shards) or "nobody"
        return (
            f"bus of project {self.project!r}: full for {self._patience} at a limit of {self._limit_bytes} bytes, an "
            f"equal part for each shard; behind are: {waiting}. See that `streamrank stream` runs and keeps up, or "
            f"raise STREAMRANK_BUS_LIMIT_BYTES"
        )


def _chunks(reply: list[bytes]) -> list[Chunk]:
    return [
        Chunk(int(end), int(meta.split(b" ", 1)[0]), dropped, events)
        for end, meta, dropped, events in zip(reply[::4], reply[1::4], reply[2::4], reply[3::4], strict=True)
    ]


def _text(position: int) -> bytes:
    return b"-" if position <= 0 else b"%d" % position


def _position(text: bytes | None) -> int:
    return NEVER if text is None else int(text)
