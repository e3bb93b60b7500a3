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
from streamrank.events.shards import SHARDS
from streamrank.stores.connection import Connection, wire

DUE_A_CALL = 1_000
DONE, CHANGED, SUPERSEDED = b"done", b"changed", b"superseded"


@dataclass(frozen=True)
class Held:
    """What shards hold of some viewers, of those that were asked.

    versions: int64 [SHARDS], which grow with every write. positions: int64 [SHARDS], up to which signs are in.
    viewers: their open sessions (VIEWERS).
    """

    versions: np.ndarray
    positions: np.ndarray
    viewers: pa.Table


@dataclass(frozen=True)
class Change:
    """What becomes of one shard. first: of the batch that it is by, None for a sweep. position: up to which it goes.

    append: what to publish, as the bus's `append_calls`.
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

    def read(self, signs: pa.Table) -> Held:
        """What is held of the viewers whom `signs` (shard, user_id, item_id) are of."""
        names = names_of(signs["user_id"], signs["item_id"])
        first = np.unique(names.dictionary_encode().indices.to_numpy(), return_index=True)[1]
        shard, names = signs["shard"].to_numpy()[first], names.take(pa.array(first))
        shards = np.unique(shard).tolist()
        texts = _by_shard(_lengthened(names), shard, shards)
        return _held(shards, self._call(READ, shards, [[text] for text in texts]))

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
        texts = wire.glue(_named(come), _lengthened(pack(come)))
        rows = _by_shard(texts, come["shard"].to_numpy(), changes)
        names = _by_shard(_named(gone), gone["shard"].to_numpy(), changes)
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
    versions, positions = np.zeros(SHARDS, np.int64), np.zeros(SHARDS, np.int64)
    versions[[*shards]] = [int(reply[0]) for reply in replies]
    positions[[*shards]] = [int(reply[1]) for reply in replies]
    rows = pa.array([row for reply in replies for row in reply[2:]], pa.large_binary())
    return Held(versions, positions, unpack(rows, VIEWERS))


def _by_shard(
    texts: pa.LargeBinaryArray, shard: np.ndarray, shards: Sequence[int] | Mapping[int, object]
) -> list[bytes]:
    """The texts of each of `shards` behind each other; shard: int [n], of each text."""
    order = np.argsort(shard, kind="stable")
    texts, shard = texts.take(pa.array(order)), shard[order]
    begins, ends = np.searchsorted(shard, [*shards]), np.searchsorted(shard, [*shards], "right")
    return [bytes(wire.span(texts, *bounds)) for bounds in zip(begins, ends, strict=True)]


def _texts(column: pa.LargeBinaryArray) -> bytes:
    return bytes(wire.span(_lengthened(column), 0, len(column)))


def _named(viewers: pa.Table) -> pa.LargeBinaryArray:
    return _lengthened(names_of(viewers["user_id"], viewers["item_id"]))


def _lengthened(column: pa.LargeBinaryArray) -> pa.LargeBinaryArray:
    """Each text with its length before it."""
    lengths = np.diff(wire.offsets(column)).astype("<u4")
    heads = pa.FixedSizeBinaryArray.from_buffers(pa.binary(4), len(column), [None, pa.py_buffer(lengths)])
    return wire.glue(heads.cast(pa.large_binary()), column)
