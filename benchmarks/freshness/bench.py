"""`streamrank bench freshness`: how long after publishing returned a reader sees an event, at a steady rate."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks import sides
from benchmarks.figures import Figure
from benchmarks.progress import Progress, silent
from benchmarks.server import private_valkey
from benchmarks.workplace import workplace

SIDES = "benchmarks.freshness.sides"


@dataclass(frozen=True)
class Sizes:
    """rate: events a second. seconds: of measuring, after two that do not count. items: live ones."""

    rate: int = 5_000
    seconds: int = 20
    items: int = 2_000


def bench(sizes: Sizes, folder: Path | None = None, progress: Progress = silent) -> Figure:
    """Publisher, reader and worker are processes beside a server with the append-only file on. Stock Feast has no
    stream to wait for: its push returns when the row is written."""
    with workplace(folder) as place, private_valkey(place / "valkey") as port:
        what = f"freshness: {sizes.rate:,} events/s for {sizes.seconds} s"
        with _worker(place, port), progress(what):
            ours = sides.run(f"{SIDES}:measure", port=port, **asdict(sizes))
    histogram = ours.pop("histogram")
    return Figure("freshness", asdict(sizes), ours, None, None, None, {"histogram": histogram})


@contextmanager
def _worker(place: Path, port: int) -> Iterator[None]:
    code = f"from {SIDES} import work; work({str(place)!r}, {port})"
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait()
