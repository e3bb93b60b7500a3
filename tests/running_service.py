"""`bentoml` as a user starts it, and a running service to ask over HTTP."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from platforms import free_port
from small_world import World

from streamrank.environment import CHECKOUT

START_SECONDS, ANSWER_SECONDS = 60.0, 30.0


@dataclass(frozen=True)
class Service:
    """A running service. url: where it is. process: of `bentoml serve`."""

    url: str
    process: subprocess.Popen

    def recommend(self, **body) -> httpx.Response:
        return httpx.post(f"{self.url}/recommend", json=body, timeout=ANSWER_SECONDS)

    def items(self, **body) -> list[int]:
        answer = self.recommend(**body)
        assert answer.status_code == 200, answer.text
        return [item["item_id"] for item in answer.json()["items"]]

    def metric(self, name: str, **labels: str) -> float:
        """The value of one line of /metrics."""
        from prometheus_client.parser import text_string_to_metric_families

        families = text_string_to_metric_families(httpx.get(f"{self.url}/metrics").text)
        samples = [sample for family in families for sample in family.samples]
        (value,) = [s.value for s in samples if s.name == name and labels.items() <= s.labels.items()]
        return value


@contextmanager
def serving(world: World, log: Path, bento: str = ".", **variables: str) -> Iterator[Service]:
    """`bentoml serve` in the checkout with these variables, until the block ends; then SIGTERM."""
    port = free_port()
    with world.entered(**variables):
        process = bentoml("serve", bento, "--port", str(port), "--host", "127.0.0.1", log=log)
    service = Service(f"http://127.0.0.1:{port}", process)
    try:
        until(lambda: process.poll() is not None or ready(service.url), f"the service did not start, see {log}")
        assert process.poll() is None, log.read_text()
        yield service
    finally:
        stop(process)


def bentoml(*arguments: str, log: Path) -> subprocess.Popen:
    """Starts a `bentoml` command in the checkout, as a user does, with its output in `log`."""
    command = [sys.executable, "-m", "bentoml", *arguments]
    with log.open("wb") as output:
        return subprocess.Popen(command, cwd=CHECKOUT, stdout=output, stderr=subprocess.STDOUT, start_new_session=True)


def stop(process: subprocess.Popen) -> None:
    """Ends `bentoml serve` as a supervisor does, and waits for it."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(START_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        raise


def ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", timeout=START_SECONDS).status_code == 200
    except httpx.TransportError:
        return False


def until(happened: Callable[[], object], complaint: str) -> None:
    """Waits until `happened()` is true; fails with `complaint` after a minute."""
    deadline = time.monotonic() + START_SECONDS
    while not happened():
        assert time.monotonic() < deadline, complaint
        time.sleep(0.05)
