"""A circuit breaker before the online store: after one failure nobody waits for it until it answers again."""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

logger = logging.getLogger(__name__)


class StoreHealth:
    """Whether the online store may be asked. `failed()` closes the way; a probe in the background opens it again.

    probe: blocking, returns when the store answers and raises otherwise; it runs in a thread of its own, so that
    no request ever pays for finding out. on_change(available): called at every turn. All on one event loop.
    """

    def __init__(self, probe: Callable[[], None], on_change: Callable[[bool], None], every_seconds: float = 0.25):
        self._probe, self._on_change, self._every_seconds = probe, on_change, every_seconds
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="online-store-probe")
        self._watch: asyncio.Task[None] | None = None
        self.available = True

    def failed(self, error: BaseException) -> None:
        """The store did not answer: from here on it is not asked, until a probe has come back."""
        if self.available:
            logger.error(
                "the online store is unavailable (%s): answering popular items from memory", error or "timeout"
            )
            self._turn(False)
            self._watch = asyncio.get_running_loop().create_task(self._until_it_answers())

    async def _until_it_answers(self) -> None:
        while not self.available:
            await asyncio.sleep(self._every_seconds)
            try:
                await asyncio.get_running_loop().run_in_executor(self._pool, self._probe)
            except Exception as error:
                logger.debug("the online store is still unavailable: %s", error)
            else:
                logger.warning("the online store answers again")
                self._turn(True)

    def _turn(self, available: bool) -> None:
        self.available = available
        self._on_change(available)

    def close(self) -> None:
        if self._watch:
            self._watch.cancel()
        self._pool.shutdown(wait=False, cancel_futures=True)
