"""The recommender as `streamrank demo` runs it: a process of its own on a free port."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

START_SECONDS = 120


class ServiceFailed(RuntimeError):
    """The service did not come up; the message holds what it printed."""


@contextmanager
def service() -> Iterator[str]:
    """`bentoml serve` on a free port, ready to answer, and stopped at the end; its URL."""
    import subprocess
    import sys

    from streamrank.environment import CHECKOUT
    from streamrank.settings import settings

    port = _free_port()
    log = settings().home / "service.log"
    command = [sys.executable, "-m", "bentoml", "serve", ".", "--host", "127.0.0.1", "--port", str(port)]
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=CHECKOUT, stdout=output, stderr=output, stdin=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        _await_ready(process, url, log)
        yield url
    finally:
        process.terminate()
        process.wait()


def _await_ready(process, url: str, log: Path) -> None:
    import time
    from urllib.error import URLError
    from urllib.request import urlopen

    from rich.console import Console

    deadline = time.monotonic() + START_SECONDS
    with Console(stderr=True).status("the service starts"):
        while time.monotonic() < deadline and process.poll() is None:
            try:
                with urlopen(f"{url}/readyz", timeout=2):
                    return
            except (URLError, OSError):
                time.sleep(0.2)
    raise ServiceFailed(f"the service did not come up at {url}; the end of {log}:\n{log.read_text()[-2000:]}")


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
