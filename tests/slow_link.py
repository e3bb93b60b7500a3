"""A wire to a real server that can be made slow: it then brings answers bit by bit, but never falls silent."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class Link:
    """Listens on `port` and carries what comes to `far_port` and back, slowly while `slow` is set."""

    def __init__(self, far_port: int) -> None:
        self.far_port, self.slow = far_port, False
        self.entrance = socket.create_server(("127.0.0.1", 0))
        self.port = self.entrance.getsockname()[1]

    def accept(self) -> None:
        """Carries connections until the entrance is closed."""
        with suppress(OSError):
            while True:
                near, _ = self.entrance.accept()
                threading.Thread(target=self._connect, args=(near,), daemon=True).start()

    def _connect(self, near: socket.socket) -> None:
        with near, suppress(OSError), socket.create_connection(("127.0.0.1", self.far_port)) as far:
            threading.Thread(target=self._carry, args=(near, far, False), daemon=True).start()
            self._carry(far, near, True)

    def _carry(self, source: socket.socket, target: socket.socket, answers: bool) -> None:
        with suppress(OSError):
            while part := source.recv(64 if self.slow and answers else 65_536):
                target.sendall(part)
                time.sleep(0.05 if self.slow and answers else 0)
            target.shutdown(socket.SHUT_WR)


@contextmanager
def link(far_port: int) -> Iterator[Link]:
    made = Link(far_port)
    threading.Thread(target=made.accept, daemon=True).start()
    try:
        yield made
    finally:
        made.entrance.shutdown(socket.SHUT_RDWR)
        made.entrance.close()
