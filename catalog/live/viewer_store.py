"""Open sessions in Redis by shard; their change and the events that it publishes are one server-side step."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from catalog.live.keys import shard_prefix
from catalog.live.records import pack, unpack
from catalog.live.viewer_scripts import DUE, READ, WATCHED, WRITE
from catalog.live.viewers import VIEWERS, item_prefix, names_of
from streamrank.events.redis_streams.calls import Calls
from streamrank.stores.connection import Connection, wire

DUE_A_CALL = 1_000
DONE, CHANGED, SUPERSEDED = b"done", b"changed", b"superseded"


@dataclass(frozen=True)
class Held:
    """What shards hold of some viewers. versions: grow with every write. positions: up to which signs are in.

    viewers: their open sessions (VIEWERS).
    """

    versions: Mapping[int, int]
    positions: Mapping[int, int]
    viewers: pa.Table


@dataclass(frozen=True)
class Change:
    """What becomes of one shard. first: of the batch that it is by, None for a sweep. position: up to which it goes.

    append: what to publish, as the bus's `append_call`.
    """

    epoch: int
    version: int
    first: int | None
    position: int
    append: tuple[bytes, Sequence[bytes]]


class ViewerStore:
    """The open sessions of a project. Every method is one round trip and raises what a connection does."""

    def __init__(self, connection: Connection, project: str) -> None:
        self._connection, self._project = connection, project

    def read(self, names: Mapping[int, pa.LargeBinaryArray]) -> Held:
        """What is held of the viewers with these names, distinct, by shard."""
        return _held(names, self._call(READ, names, [[_texts(each)] for each in names.values()]))

    def watched(self, shards: Sequence[int]) -> dict[int, list[str]]:
        """The items that have viewers, by shard."""
        replies = self._call(WATCHED, shards, [[]] * len(shards))
        return {shard: [name.decode() for name in reply] for shard, reply in zip(shards, replies, strict=True)}

    def due(self, seen_a: Mapping[int, int], item_ids: Mapping[int, Sequence[str]]) -> Held:
        """By shard, viewers whose last sign came no later, and those of the items; only a part where there are many."""
        prefixes = [pa.array(map(item_prefix, item_ids[shard]), pa.large_binary()) for shard in seen_a]
        words = [
            [b"%d" % position, b"%d" % DUE_A_CALL, _texts(part)]
            for position, part in zip(seen_a.values(), prefixes, strict=True)
        ]
        return _held(seen_a, self._call(DUE, seen_a, words))

    def write(self, changes: Mapping[int, Change], come: pa.Table, gone: pa.Table) -> dict[int, bytes]:
        """Writes changes and publishes; by shard DONE, CHANGED where something else was written since it was read, or
        SUPERSEDED where the shard is another worker's by now. come, gone: viewers of these shards (VIEWERS)."""
        rows = [part.tobytes() for part in _by_shard(come, changes, True)]
        names = [part.tobytes() for part in _by_shard(gone, changes, False)]
        words = [
            [*_numbers(change), change.append[0], *change.append[1], row, name]
            for change, row, name in zip(changes.values(), rows, names, strict=True)
        ]
        return dict(zip(changes, self._call(WRITE, changes, words), strict=True))

    def _call(self, script: bytes, shards: Sequence[int] | Mapping[int, object], words: list) -> list:
        keys = [shard_prefix(self._project, shard) for shard in shards]
        return [reply for part in self._connection.ask(Calls(script, keys, words)) for reply in part]


def _numbers(change: Change) -> list[bytes]:
    first = b"" if change.first is None else b"%d" % change.first
    return [b"%d" % change.epoch, b"%d" % change.version, first, b"%d" % change.position]


def _held(shards: Sequence[int] | Mapping[int, object], replies: list[list[bytes]]) -> Held:
    rows = pa.array([row for reply in replies for row in reply[2:]], pa.large_binary())
    versions, positions = ([int(reply[place]) for reply in replies] for place in (0, 1))
    return Held(
        dict(zip(shards, versions, strict=True)), dict(zip(shards, positions, strict=True)), unpack(rows, VIEWERS)
    )


def _by_shard(viewers: pa.Table, shards: Mapping[int, object], with_rows: bool) -> list[memoryview]:
    """For each shard the names of its viewers, and their rows behind each, as one list of texts."""
    shard = viewers["shard"].to_numpy()
    order = np.argsort(shard, kind="stable")
    viewers, shard = viewers.take(pa.array(order)), shard[order]
    texts = _lengthened(names_of(viewers["user_id"], viewers["item_id"]))
    if with_rows:
        texts = wire.glue(texts, _lengthened(pack(viewers)))
    bounds = ((np.searchsorted(shard, each), np.searchsorted(shard, each, "right")) for each in shards)
    return [wire.span(texts, *bound) for bound in bounds]


def _texts(column: pa.LargeBinaryArray) -> bytes:
    return bytes(wire.span(_lengthened(column), 0, len(column)))


def _lengthened(column: pa.LargeBinaryArray) -> pa.LargeBinaryArray:
    """Each text with its length before it."""
    lengths = np.diff(wire.offsets(column)).astype("<u4")
    heads = pa.FixedSizeBinaryArray.from_buffers(pa.binary(4), len(column), [None, pa.py_buffer(lengths)])
    return wire.glue(heads.cast(pa.large_binary()), column)
