"""One script for many shards: one call on a single server, a call a shard in a cluster; one round trip either way."""

import hashlib
from collections.abc import Iterator, Sequence

import pyarrow as pa

from streamrank.stores.connection import wire

CALL_BYTES = 1 << 18  # of arguments; a call much longer would hold up the server's other callers


class Calls:
    """script: goes through KEYS, each with as many ARGV, and answers a list with a reply for each key.

    keys: one a shard. arguments: those of each key, equally many.
    """

    name = "EVALSHA"

    def __init__(self, script: bytes, keys: Sequence[bytes], arguments: Sequence[Sequence[bytes]]) -> None:
        self.keys = pa.array(keys, pa.large_binary())
        self.preamble = wire.command(b"SCRIPT", b"LOAD", script)
        self._digest = hashlib.sha1(script).hexdigest().encode()
        self._names, self._arguments = list(keys), list(arguments)

    def spans(self) -> list[tuple[int, int]]:
        return list(self._spans())

    def many(self, start: int, stop: int) -> bytes:
        arguments = [word for words in self._arguments[start:stop] for word in words]
        names = self._names[start:stop]
        return wire.command(b"EVALSHA", self._digest, b"%d" % len(names), *names, *arguments)

    def each(self) -> pa.LargeBinaryArray:
        return pa.array([self.many(row, row + 1) for row in range(len(self._names))], pa.large_binary())

    def _spans(self) -> Iterator[tuple[int, int]]:
        start, size = 0, 0
        for row, words in enumerate(self._arguments):
            size += sum(map(len, words))
            if size > CALL_BYTES and row > start:
                yield start, row
                start, size = row, sum(map(len, words))
        if self._names:
            yield start, len(self._names)
