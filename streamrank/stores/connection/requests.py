"""What is asked of the server, in two shapes: many rows in one command (one server), or a command a row (a cluster)."""

import hashlib
from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
import pyarrow as pa

from streamrank.stores.connection import wire
from streamrank.stores.connection.script import COMPARE_AND_SET, DIGEST

FETCH_ROWS = 1_000
PUT_ROWS = 256  # a call this long holds the server for about a millisecond
PUT_BYTES = 1 << 18
SCRIPT_ROWS = 64  # as long, of a script that works harder


class Request(Protocol):
    """name: for messages. keys: n of them. preamble: a command sent ahead of the others to each server, or nothing."""

    name: str
    keys: pa.LargeBinaryArray
    preamble: bytes

    def spans(self) -> list[tuple[int, int]]:
        """The rows [start, stop) that go into one command each."""
        ...

    def many(self, start: int, stop: int) -> bytes:
        """One command for the rows [start, stop)."""
        ...

    def each(self) -> pa.LargeBinaryArray:
        """A command for each row."""
        ...


class Fetch:
    name, preamble = "MGET", b""

    def __init__(self, keys: pa.LargeBinaryArray) -> None:
        self.keys, self._bulk = keys, wire.bulk(keys)

    def spans(self) -> list[tuple[int, int]]:
        return list(_spans(len(self.keys), FETCH_ROWS))

    def many(self, start: int, stop: int) -> bytes:
        return b"".join((wire.head(stop - start + 1, b"MGET"), wire.span(self._bulk, start, stop)))

    def each(self) -> pa.LargeBinaryArray:
        return wire.glue(wire.head(2, b"GET"), self._bulk)


class Put:
    name, preamble = "EVALSHA", wire.command(b"SCRIPT", b"LOAD", COMPARE_AND_SET)

    def __init__(self, keys: pa.LargeBinaryArray, values: pa.LargeBinaryArray, expire_ms: np.ndarray | None) -> None:
        self.keys, self._size = keys, values.nbytes
        self._columns = [wire.bulk(keys), wire.bulk(values)]
        if expire_ms is not None and expire_ms.any():
            self._columns.append(wire.bulk(wire.digits(expire_ms)))

    def spans(self) -> list[tuple[int, int]]:
        mean = max(1, self._size // max(1, len(self.keys)))
        return list(_spans(len(self.keys), min(PUT_ROWS, max(1, PUT_BYTES // mean))))

    def many(self, start: int, stop: int) -> bytes:
        spans = [wire.span(column, start, stop) for column in self._columns]
        return b"".join((self._head(stop - start), *spans))

    def each(self) -> pa.LargeBinaryArray:
        return wire.glue(self._head(1), *self._columns)

    def _head(self, rows: int) -> bytes:
        return wire.head(3 + rows * len(self._columns), b"EVALSHA", DIGEST, b"%d" % rows)


class Script:
    """A script that takes any number of keys and an argument for each, then `after`, the same for all of them.

    Sent again after a failure, so a script must do no harm when it meets its own work.
    """

    name = "EVALSHA"

    def __init__(
        self, script: bytes, keys: pa.LargeBinaryArray, arguments: pa.LargeBinaryArray, after: Sequence[bytes] = ()
    ) -> None:
        self.keys, self._size, self._after = keys, arguments.nbytes, after
        self.preamble = wire.command(b"SCRIPT", b"LOAD", script)
        self._digest = hashlib.sha1(script, usedforsecurity=False).hexdigest().encode()
        self._columns, self._end = [wire.bulk(keys), wire.bulk(arguments)], wire.words_of(after)

    def spans(self) -> list[tuple[int, int]]:
        mean = max(1, self._size // max(1, len(self.keys)))
        return list(_spans(len(self.keys), min(SCRIPT_ROWS, max(1, PUT_BYTES // mean))))

    def many(self, start: int, stop: int) -> bytes:
        spans = [wire.span(column, start, stop) for column in self._columns]
        return b"".join((self._head(stop - start), *spans, self._end))

    def each(self) -> pa.LargeBinaryArray:
        return wire.glue(self._head(1), *self._columns, self._end)

    def _head(self, rows: int) -> bytes:
        return wire.head(3 + rows * 2 + len(self._after), b"EVALSHA", self._digest, b"%d" % rows)


class Command:
    """Any command on one key, which is its second word."""

    preamble = b""

    def __init__(self, *words: bytes) -> None:
        self.name, self._packed = words[0].decode(), wire.command(*words)
        self.keys = pa.array([words[1]], pa.large_binary())

    def spans(self) -> list[tuple[int, int]]:
        return [(0, 1)]

    def many(self, start: int, stop: int) -> bytes:
        return self._packed

    def each(self) -> pa.LargeBinaryArray:
        return pa.array([self._packed], pa.large_binary())


def _spans(rows: int, size: int) -> Iterator[tuple[int, int]]:
    return ((start, min(start + size, rows)) for start in range(0, rows, size))
