"""`streamrank bench recommend`: one client asks the recommender for lists, all three stages behind each."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks import sides
from benchmarks.figures import Figure
from benchmarks.progress import Progress, silent
from benchmarks.recommend.world import variables
from benchmarks.server import free_port, private_valkey
from benchmarks.workplace import workplace

CHECKOUT = Path(__file__).resolve().parents[2]
START_SECONDS, STOP_SECONDS = 180.0, 30.0
PARTS = "benchmarks.recommend"


class ServiceFailed(RuntimeError):
    """The service did not start; the message says what its log holds."""


@dataclass(frozen=True)
class Sizes:
    """items: of the catalogue. users, events: of the month before. repeat: requests."""

    items: int = 15_000
    users: int = 20_000
    events: int = 500_000
    repeat: int = 500


def bench(sizes: Sizes, folder: Path | None = None, progress: Progress = silent) -> Figure:
    """p50, p95 and p99 of a whole request, and the mean time of each part: where the ranker takes every feature,
    the hard case, and in `kept` where it takes those that a trained one keeps."""
    with workplace(folder) as place, private_valkey(place / "valkey") as port:
        asked = {"items": sizes.items, "users": sizes.users, "events": sizes.events}
        with progress(f"recommend: a world of {sizes.items:,} items and {sizes.events:,} events"):
            built = sides.run(f"{PARTS}.world:build", folder=place, port=port, **asked)
        with progress("recommend: one client, a ranker of all features"):
            ours = _asked(place, port, sizes)
        with progress("recommend: a ranker grown on what was served"):
            grown = sides.run(f"{PARTS}.kept:keep", folder=place, port=port, items=sizes.items)
        with progress(f"recommend: one client, a ranker of {grown['features']} features"):
            kept = {**grown, **_asked(place, port, sizes)}
    parts, left_out = ours.pop("parts"), ours.pop("left_out")
    kept["parts_ms"] = kept.pop("parts")
    more = {"parts_ms": parts, "left_out": left_out, "sources": " ".join(built["sources"]), "aside": built["aside"]}
    size = {**asked, "features": built["features"], "trees": 200, "repeat": sizes.repeat}
    return Figure("recommend", size, ours, None, None, None, {**more, "kept": kept})


def _asked(place: Path, port: int, sizes: Sizes) -> dict:
    with _served(place, port) as url:
        return sides.run(f"{PARTS}.asking:ask", url=url, users=sizes.users, times=sizes.repeat)


@contextmanager
def _served(place: Path, port: int) -> Iterator[str]:
    url, log = f"http://127.0.0.1:{free_port()}", place / "service.log"
    command = [sys.executable, "-m", "bentoml", "serve", ".", "--host", "127.0.0.1", "--port", url.rpartition(":")[2]]
    environment = {**os.environ, **variables(place, port)}
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=CHECKOUT, env=environment, stdout=output, stderr=output, start_new_session=True
        )
    try:
        _wait_for(url, process, log)
        yield url
    finally:
        process.terminate()
        process.wait(STOP_SECONDS)


def _wait_for(url: str, process: subprocess.Popen, log: Path) -> None:
    import httpx

    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            if httpx.get(f"{url}/readyz", timeout=5).status_code == 200:
                return
        except httpx.TransportError:
            pass
        if process.poll() is not None or time.monotonic() > deadline:
            raise ServiceFailed(f"the service did not start; its log says:\n{log.read_text(errors='replace')[-1500:]}")
        time.sleep(0.1)
