"""`streamrank bench rank-live`: a served ranker over live windows, asked while events stream in."""

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
from benchmarks.online import world
from benchmarks.online.bench import Filled, filled
from benchmarks.progress import Progress, silent
from benchmarks.rank_live import derived
from benchmarks.server import free_port
from benchmarks.workplace import workplace

CHECKOUT = Path(__file__).resolve().parents[2]
START_SECONDS, STOP_SECONDS, LIMIT_MS = 120.0, 30.0, 50.0
WINDOWED = 40
PARTS = "benchmarks.rank_live"


class PartFailed(RuntimeError):
    """The service or the stream did not start; the message says what its log holds."""


@dataclass(frozen=True)
class Sizes:
    """items: of one request. repeat: requests of one client. rate: events a second. history: events of the week before.

    seconds: how long each request rate is held.
    """

    items: int = 1_000
    repeat: int = 500
    rate: int = 2_000
    history: int = 500_000
    seconds: float = 5.0


def bench(sizes: Sizes, folder: Path | None = None, progress: Progress = silent) -> Figure:
    """p50 and p99 of one client, and `rps`: the highest request rate with p99 under 50 ms; both beside the stream."""
    with workplace(folder) as place, filled(place, sizes.items, stock=False, progress=progress) as server:
        with progress(f"rank-live: a week of {sizes.history:,} events"):
            sides.run(f"{PARTS}.world:write", folder=place, events=sizes.history)
            sides.run(f"{PARTS}.streaming:apply", folder=place, port=server.port)
        rows = sum(view.count for view in world.REQUEST)
        features = {"row": rows, "windowed": WINDOWED, "derived": len(derived.NAMES)}
        sides.run("benchmarks.rank.model:fit", folder=place, features=sum(features.values()))
        with _streaming(server, sizes.rate, progress), _served(server) as url:
            asked = {"url": url, "folder": place}
            with progress("rank-live: one client"):
                ours = sides.run(f"{PARTS}.asking:ask", **asked, times=sizes.repeat)
            with progress("rank-live: rising request rates"):
                ours |= sides.run(f"{PARTS}.asking:most", **asked, seconds=sizes.seconds, limit_ms=LIMIT_MS)
        agree = sides.run(f"{PARTS}.checking:agree", folder=place, port=server.port)
    size = {"items": sizes.items, **features, "trees": 200, "events_per_s": sizes.rate, "repeat": sizes.repeat}
    return Figure("rank-live", size, ours, None, None, agree["agree"], {"checked": agree["values"]})


@contextmanager
def _streaming(server: Filled, rate: int, progress: Progress) -> Iterator[None]:
    """Events stream in, and the week before them is in the windows."""
    log = server.place / "stream.log"
    words = [str(server.place), str(server.port), str(rate)]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", f"{PARTS}.streaming", *words], cwd=CHECKOUT, stdout=output, stderr=output
        )
    try:
        with progress("rank-live: the week is filled in"):
            _until(lambda: _is_filled(server), process, log)
        yield
    finally:
        process.terminate()
        process.wait(STOP_SECONDS)


def _is_filled(server: Filled) -> bool:
    return sides.run(f"{PARTS}.checking:filled", folder=server.place, port=server.port)["filled"]


@contextmanager
def _served(server: Filled) -> Iterator[str]:
    port, log = free_port(), server.place / "service.log"
    chosen = {"BENCH_FOLDER": str(server.place), "BENCH_PORT": str(server.port)}
    command = [sys.executable, "-m", "bentoml", "serve", f"{PARTS}.service:LiveRanking"]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=CHECKOUT, env={**os.environ, **chosen}, stdout=output, stderr=output, start_new_session=True
        )
    try:
        _until(lambda: _ready(f"http://127.0.0.1:{port}"), process, log)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(STOP_SECONDS)


def _ready(url: str) -> bool:
    import httpx

    try:
        return httpx.get(f"{url}/readyz", timeout=5).status_code == 200
    except httpx.TransportError:
        return False


def _until(holds, process: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not holds():
        if process.poll() is not None or time.monotonic() > deadline:
            raise PartFailed(f"a part did not start; its log says:\n{log.read_text(errors='replace')[-1500:]}")
        time.sleep(0.1)
