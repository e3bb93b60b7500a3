"""`streamrank bench rank`: one client asks a served ranker for 1,000 items, ours, stock's and the limit's."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks import sides
from benchmarks.agreement import same
from benchmarks.figures import Figure, Numbers
from benchmarks.online import world
from benchmarks.online.bench import Filled, expired, filled
from benchmarks.progress import Progress, silent
from benchmarks.rank.service import ROUTE
from benchmarks.server import free_port
from benchmarks.workplace import workplace

CHECKOUT = Path(__file__).resolve().parents[2]
START_SECONDS, STOP_SECONDS = 90.0, 30.0


class ServiceFailed(RuntimeError):
    """A served side did not start; the message says where its log is."""


@dataclass(frozen=True)
class Sizes:
    """items: of one request. repeat: requests a side; stock makes a tenth, at least 20."""

    items: int = 1_000
    repeat: int = 500
    skip_stock: bool = False


def bench(sizes: Sizes, folder: Path | None = None, progress: Progress = silent) -> Figure:
    """Every side is a `bentoml serve` asked over HTTP; stock's scores are compared where no TTL has passed."""
    features = sum(view.count for view in world.REQUEST)
    with workplace(folder) as place, filled(place, sizes.items, not sizes.skip_stock, progress) as server:
        sides.run("benchmarks.rank.model:fit", folder=place, features=features)
        limit = _asked("limit", server, sizes.repeat, progress)
        ours = _asked("ours", server, sizes.repeat, progress)
        stock = None if sizes.skip_stock else _asked("stock", server, max(20, sizes.repeat // 10), progress)
        size = {**server.size, "features": features, "trees": 200, "repeat": sizes.repeat}
        return Figure("rank", size, ours, stock, limit, _agree(place, stock is not None))


def ask(url: str, folder: str, times: int, answers: str) -> dict:
    """The client's side: p50_ms and p99_ms of a request, one after the other on one connection."""
    import httpx

    from benchmarks.spent import latencies

    asked = world.requests(Path(folder))
    bodies = [
        {"user_id": int(asked.user_ids[i]), "item_ids": asked.item_ids[i].tolist()} for i in range(world.REQUESTS)
    ]
    with httpx.Client(timeout=60) as client:

        def call(i: int) -> list[float]:
            return client.post(f"{url}{ROUTE}", json=bodies[i % len(bodies)]).raise_for_status().json()

        figures = latencies(call, times, warm=20)
        np.save(answers, np.array([call(i) for i in range(world.ANSWERED)], np.float32))
    return figures


def _asked(side: str, server: Filled, times: int, progress: Progress) -> Numbers:
    with progress(f"rank: {side}"), _served(side, server) as url:
        answers = server.place / f"{side}-scores.npy"
        return sides.run("benchmarks.rank.bench:ask", url=url, folder=server.place, times=times, answers=answers)


@contextmanager
def _served(side: str, server: Filled) -> Iterator[str]:
    port, log = free_port(), server.place / f"{side}-service.log"
    chosen = {"BENCH_SIDE": side, "BENCH_FOLDER": str(server.place), "BENCH_PORT": str(server.port)}
    command = [sys.executable, "-m", "bentoml", "serve", "benchmarks.rank.service:Ranking"]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=CHECKOUT, env={**os.environ, **chosen}, stdout=output, stderr=output, start_new_session=True
        )
    try:
        _wait_for(f"http://127.0.0.1:{port}", process, log)
        yield f"http://127.0.0.1:{port}"
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


def _agree(place: Path, stock: bool) -> bool:
    ours, limit = (np.load(place / f"{side}-scores.npy") for side in ("ours", "limit"))
    if not stock:
        return same(ours, limit)
    outlived = expired(place, "request").any(axis=2)
    others = np.load(place / "stock-scores.npy")
    return same(ours, limit) and same(ours, np.where(outlived, ours, others))
