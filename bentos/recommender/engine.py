"""What one worker holds between requests: the model, the catalogue, the way to online features, and the served log."""

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from bentoml.models import Model
from threadpoolctl import threadpool_limits

from bentos.recommender import pauses
from bentos.recommender.board import Board
from bentos.recommender.catalogue import read_catalogue
from bentos.recommender.evidence import acts_fields, evidence_fields
from bentos.recommender.features import STORE_ERRORS, OnlineFeatures, open_store
from bentos.recommender.health import StoreHealth
from bentos.recommender.live import Live
from bentos.recommender.metrics import Metrics, metrics
from bentos.recommender.query import FEATURE_ERROR, FEATURE_TIMEOUT, STORE_UNAVAILABLE, Query, Ranked
from bentos.recommender.ranking import Ranking
from bentos.recommender.reranking import Reranking
from bentos.recommender.resting import Rests
from bentos.recommender.retrieval import Retrieval
from bentos.recommender.scoring import Scoring
from bentos.recommender.seeds import in_sample
from bentos.recommender.served_rows import answered, served_schema, served_table
from bentos.recommender.viewers import OnlineViewers
from catalog.dataset import DataSet
from catalog.live.on_air import OnAir, live_items
from models.recommender import Recommender
from models.retrieval.trending import Trending
from streamrank import clock
from streamrank.environment import CHECKOUT
from streamrank.events.served import ServedLog
from streamrank.settings import Settings, settings
from streamrank.stores.reading.plan import online_store

logger = logging.getLogger(__name__)

READERS = 4  # rankings at once, in threads: more would only wait for each other to decode and to score
LOG_RESTS = 5  # times as long as the served log is worked on, requests have the machine to themselves
HALF_LIFE_US = 3 * clock.DAY  # of an act, where no source has chosen one


class Engine:
    """Answers queries whatever becomes of the online store, and logs what it answered. Used on one event loop."""

    def __init__(self, model: Model) -> None:
        folder, chosen = Path(model.path), settings()
        self.version = str(model.tag.version)
        self.metrics: Metrics = metrics()
        self._timeout = chosen.feature_timeout_seconds
        self._sample_rate = chosen.served_sample_rate
        self._ranking = _ranking(folder, chosen, self.metrics)
        ranking = self._ranking
        evidence = [*evidence_fields(ranking.online.reader), *acts_fields(ranking.viewers.reader)]
        self._schema = served_schema(ranking.scoring.features, evidence, ranking.scoring.from_sources)
        self._rests = Rests(LOG_RESTS)
        self._served = ServedLog(
            DataSet.current().served, self._schema, chosen.served_queue_rows, chosen.served_flush_seconds,
            self.metrics.wrote, self.metrics.dropped, partial(served_table, self._schema, rest=self._rests),
        )  # fmt: skip
        self._health = StoreHealth(self._ask_anything, lambda available: self.metrics.degraded.set(not available))
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="ranking")
        self._seats = asyncio.Semaphore(READERS)

    async def warm(self) -> None:
        """Loads Feast's registry, opens a connection and scores one row, so that no request waits for the first time.

        Finds out as well whether the online store is there; when it is not, the service starts degraded.
        """
        try:
            await self._in_thread(self._ranking.warm, clock.now_us())
        except STORE_ERRORS as error:
            self._health.failed(error)
        pauses.shorten()
        self._ranking.board.start()

    async def rank(self, query: Query) -> Ranked:
        """The ranked candidates; popular ones, with `fallback` set, when features cannot be read in time, or where the
        store is away what sources propose for what the request itself says of the viewer."""
        if not self._health.available:
            return await self._without_store(query)
        try:
            async with asyncio.timeout(self._timeout):
                return await self._in_turn(query)
        except STORE_ERRORS as error:
            self._health.failed(error)
            return await self._without_store(query)
        except TimeoutError:  # of too much at once, not of a store that is gone: that fails sooner, see open_store
            return self._ranking.popular(query, FEATURE_TIMEOUT)
        except Exception:
            logger.exception("the request could not be ranked: answering popular items")
            return self._ranking.popular(query, FEATURE_ERROR)

    async def _without_store(self, query: Query) -> Ranked:
        if not query.picked and not query.topics:
            return self._ranking.popular(query, STORE_UNAVAILABLE)
        try:
            told = self._in_thread(self._ranking.told, query, STORE_UNAVAILABLE)
            return await asyncio.wait_for(told, self._timeout)
        except Exception:  # no thread was free in time, or no source could say anything
            logger.exception("sources could not be asked without the online store: answering popular items")
            return self._ranking.popular(query, STORE_UNAVAILABLE)

    async def _in_turn(self, query: Query) -> Ranked:
        async with self._seats:
            return await self._in_thread(self._ranking.rank, query)

    def log(self, ranked: Ranked, returned: int, request_id: str, **request: object) -> None:
        """Offers the `returned` first items, or all in the sample, to the served log; counts what can wait so long."""
        self.metrics.settle()
        everything = in_sample(request_id, self._sample_rate)
        rows = answered(
            ranked, returned, everything, request_id=request_id, model_version=self.version,
            fallback=ranked.fallback, **request,
        )  # fmt: skip
        self._served.offer(rows)

    def begins(self, item_ids: list[str], now_us: int) -> list[int | None]:
        """When each item can be watched, us UTC, for those that cannot be yet; None for the others."""
        return self._ranking.live.catalogue.begins(item_ids, now_us)

    def close(self) -> None:
        """Writes what the served log still holds."""
        self._health.close()
        self._ranking.close()
        self._readers.shutdown(wait=False, cancel_futures=True)
        self._rests.end()
        self._served.close()

    def _ask_anything(self) -> None:
        self._ranking.probe()

    def _in_thread(self, work, *arguments):
        return asyncio.get_running_loop().run_in_executor(self._readers, work, *arguments)


def _ranking(folder: Path, chosen: Settings, measured: Metrics) -> Ranking:
    threadpool_limits(1, "blas")  # threads that wait for each other make requests wait beside other work
    recommender, patience = Recommender.load(folder), chosen.feature_timeout_seconds
    store = open_store(CHECKOUT / "feature_repo", patience)
    items = live_items(online_store(store).connection(store.config), store.project)
    live = Live(read_catalogue(folder, recommender), OnAir(items))
    online = OnlineFeatures(store, recommender.service, recommender.feast_features, patience)
    trending, hours = _trending(recommender), recommender.on_air.hours
    return Ranking(
        recommender=recommender,
        live=live,
        board=Board(store, lambda: live.catalogue, trending, hours, online.reader.hold, live.renew),
        viewers=OnlineViewers(store),
        retrieval=Retrieval(recommender.names, chosen.source_budget_seconds, measured),
        online=online,
        scoring=Scoring(recommender),
        reranking=Reranking(recommender),
        measured=measured,
    )


def _trending(recommender: Recommender) -> Trending:
    """The recommender's own, where it has one."""
    kept = (source for source in recommender.sources.sources if isinstance(source, Trending))
    return next(kept, Trending(HALF_LIFE_US))
