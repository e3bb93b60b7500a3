"""What a piece of work costs: seconds, the process's peak memory meanwhile, and the spread of many repeats."""

import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

T = TypeVar("T")
STATUS, FORGET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


@dataclass
class Spent:
    """seconds: wall time of the block. peak_mb: most memory resident during it, in MiB, all of the process's."""

    seconds: float = 0.0
    peak_mb: float = 0.0

    def figures(self) -> dict[str, float]:
        return {"seconds": round(self.seconds, 4), "peak_mb": round(self.peak_mb, 1)}


@contextmanager
def spending() -> Iterator[Spent]:
    """Measures the block."""
    spent = Spent()
    _forget_the_peak()
    begin = time.perf_counter()
    yield spent
    spent.seconds, spent.peak_mb = time.perf_counter() - begin, _peak_mb()


def repeated(work: Callable[[], T], times: int) -> tuple[T, Spent]:
    """The last answer of `work`, and the median seconds and greatest peak of its runs; one answer is held at a time."""
    runs: list[Spent] = []
    answer = None
    for _ in range(times):
        answer = None
        with spending() as spent:
            answer = work()
        runs.append(spent)
    seconds = float(np.median([run.seconds for run in runs]))
    return answer, Spent(seconds, max(run.peak_mb for run in runs))


def latencies(call: Callable[[int], object], times: int, warm: int = 5) -> dict[str, float]:
    """p50_ms and p99_ms of `call(i)`, i = 0, 1, ..., after `warm` calls that do not count."""
    for i in range(warm):
        call(i)
    spent = np.empty(times)
    for i in range(times):
        begin = time.perf_counter()
        call(i)
        spent[i] = time.perf_counter() - begin
    return percentiles(spent)


def percentiles(seconds: np.ndarray) -> dict[str, float]:
    """p50_ms and p99_ms of float64 seconds [n]."""
    p50, p99 = np.percentile(seconds * 1e3, [50, 99])
    return {"p50_ms": round(float(p50), 4), "p99_ms": round(float(p99), 4)}


def _forget_the_peak() -> None:
    if FORGET.exists():
        FORGET.write_text("5")


def _peak_mb() -> float:
    """The peak since it was last forgotten; since the process's start where the system cannot forget."""
    if not FORGET.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    (line,) = [line for line in STATUS.read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) / 1024
