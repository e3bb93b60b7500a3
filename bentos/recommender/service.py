"""The recommender: `bentoml serve` and `bentoml build` find it through pyproject.toml.

The model is the one in use when the service starts (in a bento, the one it was built with); a later promotion or
rollback is served after a restart. What is slow to import is imported by the worker that ranks, not by the commands.
"""

import logging
from collections.abc import Callable
from functools import partial
from uuid import uuid4

import bentoml
from starlette.background import BackgroundTask
from starlette.responses import Response

from bentos import traces
from bentos.door import JsonDoor, WithoutTracebacks
from bentos.home import manifest, settle
from bentos.openapi import Described, described
from bentos.recommender import answer, home
from bentos.recommender.api import EXPLAINED, api_of, examples
from bentos.recommender.query import Query
from bentos.recommender.seeds import seed_of
from streamrank import clock, embedded

settle()
MANIFEST = manifest()
API = api_of(MANIFEST)
MODEL = home.model_tag()
home.promoted(MODEL)
home.applied()
ROUTE = "/recommend"
LARGEST_BODY = 1 << 20  # bytes; 1,000 candidates of the longest ids fit in a third of it
READY = "200 once the model is loaded, and on while the online store is down: popular items are answered then."
DESCRIBED = Described("streamrank recommender", "The ranked items", READY, "1 MiB", examples=examples(MANIFEST))

logger = logging.getLogger("bentoml.recommender")


@bentoml.service(
    service_class=described(DESCRIBED),
    workers=1,
    traffic={"timeout": 30, "max_concurrency": 128},
    tracing=traces.only_where_told(ROUTE),
    description="Ranks what a user can watch now, by features read at request time.",
)
class Recommender:
    """Ranks what a user can watch now, by features read at request time."""

    model = bentoml.models.BentoModel(MODEL)

    @bentoml.on_deployment
    @staticmethod
    def start_redis() -> None:
        """Once, before the workers. A service without Redis starts all the same, degraded, and recovers."""
        try:
            embedded.ensure_redis()
        except embedded.ServerError as error:
            logger.error("starting without the online store: %s", error)

    def __init__(self) -> None:
        from bentos.recommender.engine import Engine

        logging.getLogger("bentoml._internal.server.http_app").addFilter(WithoutTracebacks())
        self.engine = Engine(home.promoted(_pinned() or MODEL))

    @bentoml.on_startup
    async def warm(self) -> None:
        await self.engine.warm()

    @bentoml.on_shutdown
    def close(self) -> None:
        self.engine.close()

    @bentoml.api(route=ROUTE)
    async def recommend(self, request: API.Request, /) -> API.Response:
        """Ranks `candidates`, or what sources of candidates propose of what is on air; the best `k`, best first.

        A new user who `picked` items or named `topics` gets a list by these; `known_by` says by what it was made.
        Given candidates that nobody knows are named and left out, and so is what has ended. What is watched most comes
        instead, and `fallback` says why, when nothing is known of the user or, with `degraded`, when features cannot be
        read; what the request says of a new user counts all the same while the online store is away. With `explain`,
        each item says who proposed it, what moved its score, and what re-ranking did.
        """
        request_id, as_of = uuid4().hex, clock.now()
        context = request.model_dump(include={"surface", "device", "location"})
        query = _query(request, clock.microseconds(as_of), seed_of(request_id))
        ranked = await self.engine.rank(query)
        returned = min(request.k, len(ranked.item_ids))
        self.engine.metrics.answered(ranked.fallback)
        begins = self.engine.begins(ranked.item_ids[:returned].tolist(), query.as_of_us)
        response = API.Response(
            request_id=request_id, model_version=self.engine.version, as_of=as_of,
            degraded=ranked.degraded, fallback=ranked.fallback, known_by=ranked.known_by,
            unknown_picked=[API.as_id(item_id) for item_id in ranked.unknown_picked],
            unknown_candidates=[API.as_id(item_id) for item_id in ranked.unknown_candidates],
            unknown_topics=list(ranked.unknown_topics),
            items=answer.items(API, ranked, begins, request.explain),
        )  # fmt: skip
        # As JSON, which BentoML would only write after it has built the model's schema for every single answer.
        left_out = None if request.explain else {"items": {"__all__": set(EXPLAINED)}}
        told = partial(self.engine.log, user_id=query.user_id, as_of=as_of, seed=query.seed, **context)
        afterwards = BackgroundTask(_logged, told, ranked, returned, request_id)
        body = response.model_dump_json(exclude=left_out)
        return Response(body, media_type="application/json", background=afterwards)


async def _logged(log: Callable[..., None], *answer: object) -> None:
    """Logs once the answer is on its way. On the event loop: a thread would only wait for it."""
    log(*answer)


def _query(request: API.Request, as_of_us: int, seed: int) -> Query:
    return Query(
        user_id=str(request.user_id), item_ids=_distinct(request.candidates), as_of_us=as_of_us,
        surface=request.surface, include_upcoming=request.include_upcoming, k=request.k,
        picked=tuple(_distinct(request.picked) or ()), topics=tuple(dict.fromkeys(request.topics or ())),
        explain=request.explain, seed=seed,
    )  # fmt: skip


def _distinct(item_ids: list[int] | list[str] | None) -> list[str] | None:
    """Ids as the platform has them, each once."""
    return None if item_ids is None else list(dict.fromkeys(map(str, item_ids)))


def _pinned() -> str | None:
    """The model that the bento being served was built with."""
    models = Recommender.bento.info.all_models if Recommender.bento else []
    return next((str(model.tag) for model in models if model.tag.name == home.model_name()), None)


Recommender.add_asgi_middleware(JsonDoor, path=ROUTE, largest=LARGEST_BODY)
