"""After a server went down: the worker waits until the log writer has written what it had read before.

A server that comes back may have lost its last events, while the log writer still holds them and writes them to the
log. The worker takes from the log what the bus has lost, so it must not go on before they are there. The log writer
says for which run of the server that is so; without a log writer there is nothing to wait for.
"""

import logging
import time

from streamrank.events.redis_streams.keys import project_key
from streamrank.stores.connection import Connection
from streamrank.stores.connection.requests import Command

logger = logging.getLogger(__name__)

LEASE = "lease:log-writer"
SHOWS_UP_SECONDS = 2.5  # a log writer looks for its server every second
LOOK_SECONDS = 0.05


class Settling:
    """Of a project on one server, or the master that Sentinels name; a cluster's nodes are not watched."""

    def __init__(self, connection: Connection, project: str) -> None:
        self._connection = connection
        self._key, self._lease = project_key(project, "settled"), project_key(project, LEASE)

    def run(self) -> bytes:
        """Which run of the server this is; b"" in a cluster."""
        if self._connection.options.redis_type == "redis_cluster":
            return b""
        (told,) = self._connection.ask(Command(b"INFO", b"server"))
        text = told if isinstance(told, bytes) else str(told).encode()
        return text.partition(b"run_id:")[2].partition(b"\r")[0]

    def settle(self, run: bytes) -> None:
        """Says that nothing read before this run will come into the log any more."""
        self._connection.ask(Command(b"SET", self._key, run))

    def wait(self) -> None:
        """Until the log writer has settled the present run, or none has shown up for a while."""
        absent_since = time.monotonic()
        while not self._settled(run := self.run()):
            if self._connection.ask(Command(b"EXISTS", self._lease))[0]:
                absent_since = time.monotonic()
            elif time.monotonic() - absent_since > SHOWS_UP_SECONDS:
                self.settle(run)
                return
            time.sleep(LOOK_SECONDS)

    def _settled(self, run: bytes) -> bool:
        return not run or self._connection.ask(Command(b"GET", self._key))[0] == run
