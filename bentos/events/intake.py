"""What one worker of the intake holds between requests: the bus, the door, and the quarantine.

Requests that come while others are being published are published together, in one round trip: the bus's rate does not
hang on how events are spread over requests.
"""

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa

from bentos.events.metrics import Metrics, metrics
from catalog.bus import open_bus
from catalog.dataset import DataSet
from catalog.publishing import Receipt, open_door, publish_all
from catalog.quarantine import ArrivingQuarantine
from streamrank.events.bus import BusFull
from streamrank.stores.connection import StoreUnreachable
from validation.door import admit_arriving

logger = logging.getLogger(__name__)

MOST_TOGETHER = 20_000  # events; what one publish of the bus takes well
LOOK_SECONDS = 1.0


class Intake:
    """Publishes offers in the order in which they come. Used on one event loop; the work is done in one thread."""

    def __init__(self) -> None:
        data = DataSet.current()
        self.metrics: Metrics = metrics()
        self._bus = open_bus()
        self._door = open_door(data, self._bus)
        self._quarantine = ArrivingQuarantine(data)
        self._publisher = ThreadPoolExecutor(1, thread_name_prefix="publisher")
        self._waiting: list[tuple[pa.Table, asyncio.Future[Receipt]]] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._offered = asyncio.Event()

    async def start(self) -> None:
        """Begins to publish what is offered; the first request finds everything warm."""
        await asyncio.get_running_loop().run_in_executor(self._publisher, _warm)
        self._tasks = [asyncio.create_task(self._run()), asyncio.create_task(self._look())]

    async def publish(self, rows: pa.Table) -> Receipt:
        """What became of `rows`; raises what `catalog.publishing.publish` does."""
        answer = asyncio.get_running_loop().create_future()
        self._waiting.append((rows, answer))
        self._offered.set()
        return await answer

    async def _run(self) -> None:
        """Publishes what waits, for ever."""
        while await self._offered.wait():
            offers = self._next()
            outcomes = await self._in_thread([rows for rows, _ in offers])
            for (_, answer), outcome in zip(offers, outcomes, strict=True):
                _settle(answer, outcome)

    def _next(self) -> list[tuple[pa.Table, "asyncio.Future[Receipt]"]]:
        """The offers that have waited longest, at most MOST_TOGETHER events unless the first alone has more."""
        together, count = 0, 0
        for rows, _ in self._waiting:
            count += len(rows)
            if together and count > MOST_TOGETHER:
                break
            together += 1
        offers, self._waiting = self._waiting[:together], self._waiting[together:]
        if not self._waiting:
            self._offered.clear()
        return offers

    async def _in_thread(self, offers: list[pa.Table]) -> list[Receipt | Exception]:
        return await asyncio.get_running_loop().run_in_executor(self._publisher, self._outcomes, offers)

    def _outcomes(self, offers: list[pa.Table]) -> list[Receipt | Exception]:
        try:
            return self._publish(offers)
        except (BusFull, StoreUnreachable) as error:
            return [error] * len(offers)
        except Exception as error:
            if len(offers) == 1:
                return [error]
            logger.exception("requests that were published together failed: each is tried alone")
            return [outcome for rows in offers for outcome in self._outcomes([rows])]

    def _publish(self, offers: list[pa.Table]) -> list[Receipt]:
        with self.metrics.publish_seconds.time():
            receipts = publish_all(self._bus, offers, self._door)
        self.metrics.count(receipts)
        for receipt in receipts:
            self._quarantine.offer(receipt.refused)
        return receipts

    async def _look(self) -> None:
        """Keeps the gauge of the bus's size, and has the quarantine written."""
        while True:
            try:
                self.metrics.bus_bytes.set(await asyncio.to_thread(self._bus.size_bytes))
            except StoreUnreachable as error:
                logger.debug("the bus does not say how large it is: %s", error)
            await asyncio.to_thread(self._quarantine.flush)
            self.metrics.quarantine_dropped.set(self._quarantine.dropped)
            await asyncio.sleep(LOOK_SECONDS)

    def close(self) -> None:
        """Ends the tasks once what was being published is; writes what is left of the quarantine."""
        for task in self._tasks:
            task.cancel()
        self._publisher.shutdown()
        self._quarantine.flush(everything=True)


def _warm() -> None:
    """Turns an event away that has nothing of what it needs."""
    admit_arriving(pa.table({"attributes": ["{"]}), 0, 0)


def _settle(answer: "asyncio.Future[Receipt]", outcome: Receipt | Exception) -> None:
    if answer.done():  # its caller has gone
        return
    answer.set_exception(outcome) if isinstance(outcome, Exception) else answer.set_result(outcome)
