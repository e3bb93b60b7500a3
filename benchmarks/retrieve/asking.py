"""A side: retrieval for one viewer after another, all sources, on one core; and the least that it could cost."""

import os
import time
from dataclasses import replace

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.retrieve import world as worlds
from benchmarks.spent import spending
from models.retrieval import sources
from models.retrieval.als import Als
from models.retrieval.merging import merged
from models.retrieval.side_by_side import Lanes, ask
from models.retrieval.trending import Recent, half_life_of

MOST, WARM, VIEWERS = 200, 20, 200


def all_sources(items: int, users: int, acts: int, times: int) -> dict:
    """Figures of asking one after another (`alone`), of a thread for each source (`side_by_side`), of each source, and
    of the bare product of the ALS matrix with a vector and argpartition (`limit`). cpu_p50_ms, cpu_p95_ms: what the
    core spent on it, without what else the machine did meanwhile.
    """
    one_core()
    sizes = worlds.Sizes(items, users, acts)
    world = worlds.world_of(sizes)
    catalogue = worlds.items_of(world)
    done = worlds.acts_of(world, catalogue, acts)
    with spending() as fit:
        fitted = sources.fit_all(done, catalogue)
    moment = worlds.moment_of(catalogue, Recent(done, half_life_of(done)).at(worlds.NOW))
    viewers = worlds.viewers_of(world, done, catalogue, VIEWERS)
    return _asked(fitted, viewers, moment, times) | {"fit": fit.figures(), "aside": fitted.aside}


def one_core() -> None:
    """Keeps this process, with all threads it will have, on the last core it may use, and BLAS to one thread."""
    threadpool_limits(1, "blas")
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


class Watch:
    """What several runs of a block took, wall clock and core."""

    def __init__(self) -> None:
        self._seconds: list[tuple[float, float]] = []

    def __enter__(self) -> None:
        self._begin = time.perf_counter(), time.thread_time()

    def __exit__(self, *_: object) -> None:
        self._seconds.append((time.perf_counter() - self._begin[0], time.thread_time() - self._begin[1]))

    def figures(self, warm: int = 0) -> dict[str, float]:
        """All but the first `warm` runs."""
        wall, core = np.percentile(np.array(self._seconds[warm:]) * 1e3, [50, 95, 99], axis=0).round(4).T.tolist()
        told = dict(zip(("p50_ms", "p95_ms", "p99_ms"), wall, strict=True))
        return told | {"cpu_p50_ms": core[0], "cpu_p95_ms": core[1]}


def _asked(fitted: sources.Fitted, viewers: list, moment, times: int) -> dict:
    lanes, alone, threads = Lanes(), Watch(), Watch()
    spent: dict[str, list[float]] = {name: [] for name in fitted.names}
    for number in range(times + WARM):
        viewer, another = (replace(viewers[number % len(viewers)]) for _ in range(2))  # as each request makes its own
        with alone:
            answer = ask(fitted.sources, viewer, moment, moment.on_air, MOST)
            candidates = merged(answer.found, fitted.names, MOST)
        with threads:
            beside = ask(fitted.sources, another, moment, moment.on_air, MOST, budget_seconds=30.0, pool=lanes)
            same = merged(beside.found, fitted.names, MOST)
        if answer.left_out or not np.array_equal(same.features, candidates.features, equal_nan=True):
            raise RuntimeError(f"sources left out, or others side by side: {answer.left_out}, {beside.left_out}")
        for name, seconds in answer.seconds.items():
            spent[name].append(seconds * 1e3)
    lanes.close()
    by_source = {
        name: {"p50_ms": round(float(np.median(seconds[WARM:])), 4), "found": len(answer.found[name].places)}
        for name, seconds in spent.items()
    }
    told = {"alone": alone.figures(WARM), "side_by_side": threads.figures(WARM), "by_source": by_source}
    return told | {"limit": _limit(fitted, viewers, times)}


def _limit(fitted: sources.Fitted, viewers: list, times: int) -> dict[str, float]:
    (als,) = [source for source in fitted.sources if isinstance(source, Als)]
    vectors, watch = [als.vector(viewer) for viewer in viewers], Watch()
    for number in range(times + WARM):
        with watch:
            np.argpartition(-(als.factors @ vectors[number % len(vectors)]), MOST)[:MOST]
    return watch.figures(WARM)
