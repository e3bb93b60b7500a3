"""Where sources run within a time budget: those that are quick one after another in one thread, each other in its own.

Threads of one process wait for each other: twenty sources that take a fifth of a millisecond each take longer side by
side than in turn. But one that hangs must hold up itself alone, so only those go in turn that were quick the last time,
and when a turn does not come to its end, the rest of it is taken back and asked side by side.
"""

import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from math import inf
from typing import TypeVar

from models.retrieval.source import Source

T = TypeVar("T")
IN_TURN = 0.4  # of the budget: what sources that go in turn took together the last time
TAKEN_BACK = 0.6  # of the budget, after which the rest of a turn is asked side by side
TURNS = 64  # threads for turns; there are as many as were needed at once, and one that hangs is never used again


class Lanes:
    """Safe to share between threads: each request takes its own turn, and lanes are one source's for all requests."""

    def __init__(self) -> None:
        self._lanes: dict[str, ThreadPoolExecutor] = {}
        self._turns = ThreadPoolExecutor(TURNS, thread_name_prefix="sources")
        self._took: dict[str, float] = {}

    def ask(self, sources: Sequence[Source], call: Callable[[Source], T], budget_seconds: float) -> dict[str, T]:
        """What `call` returns for each source, by name, of those that it returned for within the budget.

        call: never raises.
        """
        begin = time.perf_counter()
        told: dict[str, T] = {}
        quick = self._quick(sources, IN_TURN * budget_seconds)
        names = {source.name for source in quick}
        under_way = [self._submit(source, call, told) for source in sources if source.name not in names]
        if quick:
            waiting = deque(quick)
            turn = self._turns.submit(self._in_turn, waiting, call, told)
            if not _ended(turn, begin + TAKEN_BACK * budget_seconds):
                rest = self._taken_back(waiting, quick, told)
                under_way += [turn, *(self._submit(source, call, told) for source in rest)]
        for future in under_way:
            if not _ended(future, begin + budget_seconds):
                future.cancel()
        return dict(told)

    def close(self) -> None:
        for lane in (*self._lanes.values(), self._turns):
            lane.shutdown(wait=False, cancel_futures=True)

    def _quick(self, sources: Sequence[Source], together: float) -> list[Source]:
        """Those that took no more than `together` the last time, the quickest first; none that was never asked."""
        chosen = []
        for source in sorted(sources, key=lambda source: self._took.get(source.name, inf)):
            together -= self._took.get(source.name, inf)
            if together < 0:
                break
            chosen.append(source)
        return chosen

    def _taken_back(self, waiting: deque, quick: Sequence[Source], told: dict) -> list[Source]:
        """What a turn has not begun with; the source that holds it up counts as quick no more."""
        rest = []
        with suppress(IndexError):
            while True:
                rest.append(waiting.popleft())
        begun = quick[: len(quick) - len(rest)]
        self._took |= {source.name: inf for source in begun if source.name not in told}
        return rest

    def _in_turn(self, waiting: deque, call: Callable, told: dict) -> None:
        with suppress(IndexError):  # at the end, or when the rest was taken back
            while True:
                self._timed(waiting.popleft(), call, told)

    def _timed(self, source: Source, call: Callable, told: dict) -> None:
        begin = time.perf_counter()
        told[source.name] = call(source)
        self._took[source.name] = time.perf_counter() - begin

    def _submit(self, source: Source, call: Callable, told: dict) -> Future:
        name = source.name
        if name not in self._lanes:  # two threads may both make one; the one that is not kept ends unused
            self._lanes.setdefault(name, ThreadPoolExecutor(1, thread_name_prefix=f"source-{name}"))
        return self._lanes[name].submit(self._timed, source, call, told)


def _ended(future: Future, instant: float) -> bool:
    """Whether it has ended by `instant` of the clock of performance; waits for it until then."""
    try:
        future.result(max(0.0, instant - time.perf_counter()))
    except TimeoutError:
        return False
    return True
