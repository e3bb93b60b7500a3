"""A connection that ends for good when it breaks, until it is renewed.

A server that comes back may have lost its last writes: with the append-only file at `everysec`, or behind Sentinels.
What was decided by what it held before must then not be written any more, so nothing is sent again on a new
connection unasked. In a cluster each node is on its own, and commands are retried as usual.
"""

from typing import Any

from redis.exceptions import ConnectionError

from streamrank.stores.connection import Connection, ConnectionOptions, connect
from streamrank.stores.connection.servers import SingleServer


class FencedServer(SingleServer):
    """One connection for all that is asked, by one thread at a time."""

    def __init__(self, options: ConnectionOptions) -> None:
        super().__init__(options)
        self._line: Any = None
        self._broken = False

    def pool(self, server: str) -> "FencedServer":
        return self

    def get_connection(self) -> Any:
        if self._broken:
            raise ConnectionError("the connection broke, and the server may have lost what was written last")
        if self._line is None:
            self._line = self._pool.get_connection()
        return self._line

    def release(self, line: Any) -> None:
        self._broken = self._broken or line._sock is None

    def renew(self) -> None:
        """From here on a new connection; what was read before must be read again."""
        if self._line is not None:
            self._line.disconnect()
            self._pool.release(self._line)
        self._line, self._broken = None, False


class Fence:
    """connection: to be used for all that must not outlive the server that it was decided on."""

    def __init__(self, options: ConnectionOptions) -> None:
        cluster = options.redis_type == "redis_cluster"
        self._server = None if cluster else FencedServer(options)
        self.connection = connect(options) if cluster else Connection(options, self._server)

    def renew(self) -> None:
        if self._server is not None:
            self._server.renew()
