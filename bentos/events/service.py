"""The intake: `bentoml serve bentos.events.service:Events`. Events come in by HTTP, pass the door, and are on the bus.

It needs a data set, whose items it fills events from; no model and no features.
"""

import logging

import bentoml
from starlette.responses import JSONResponse

from bentos.door import JsonDoor
from bentos.events.api import PublishRequest, PublishResponse
from bentos.events.body import LARGEST_BODY, BadBody, rows_of
from bentos.home import manifest, settle
from bentos.openapi import Described, described
from catalog.publishing import Receipt
from streamrank import embedded
from streamrank.events.bus import BusFull
from streamrank.stores.connection import StoreUnreachable

settle()
manifest()
ROUTE = "/events"
RETRY_SECONDS = 2
NOTHING_TAKEN = {
    "type": "object",
    "required": ["error"],
    "properties": {"error": {"type": "string"}, **PublishResponse.model_json_schema()["properties"]},
}
DESCRIBED = Described(
    title="streamrank intake",
    answer="What became of the events; at least one was taken, or had been before, or none came",
    ready="200 once the service takes events.",
    largest="8 MiB",
    errors={
        400: ("The body is no array of objects, or every event was refused: none was taken", "NothingTaken"),
        429: ("The bus is full, or too many requests at once: send the same again after Retry-After seconds", "Error"),
        503: ("The bus does not answer: send the same again after Retry-After seconds", "Error"),
    },
    schemas={"NothingTaken": NOTHING_TAKEN, "Refused": PublishResponse.model_json_schema()["$defs"]["Refused"]},
)

logger = logging.getLogger("bentoml.events")


@bentoml.service(
    service_class=described(DESCRIBED),
    workers=1,
    traffic={"timeout": 30, "max_concurrency": 256},
    description="Takes events as they happen.",
)
class Events:
    """Takes events as they happen."""

    @bentoml.on_deployment
    @staticmethod
    def start_redis() -> None:
        """Once, before the workers. A service without Redis starts all the same, and answers 503 until it is there."""
        try:
            embedded.ensure_redis()
        except embedded.ServerError as error:
            logger.error("starting without the event bus: %s", error)

    def __init__(self) -> None:
        from bentos.events.intake import Intake

        self.intake = Intake()

    @bentoml.on_startup
    async def start(self) -> None:
        await self.intake.start()

    @bentoml.on_shutdown
    def close(self) -> None:
        self.intake.close()

    @bentoml.api(route=ROUTE)
    async def publish(self, request: PublishRequest, /) -> PublishResponse:
        """Takes a JSON array of events, at most 10,000. Each counts by itself: a bad one does not keep out the others.

        An event_id counts once within the horizon of the bus, so what may not have arrived can safely be sent again.
        """
        try:
            return _answer(await self.intake.publish(rows_of(request.body)))
        except BadBody as error:
            return JSONResponse({"error": str(error)}, status_code=400)
        except BusFull as error:
            return self._later(429, "full", f"the bus is full: {error}")
        except StoreUnreachable as error:
            return self._later(503, "unreachable", f"the bus does not answer: {error}")

    def _later(self, status: int, why: str, told: str) -> JSONResponse:
        self.intake.metrics.turned_back.labels(why).inc()
        body = {"error": f"{told}. Send the same events again in {RETRY_SECONDS} seconds: those taken count once"}
        return JSONResponse(body, status_code=status, headers={"Retry-After": str(RETRY_SECONDS)})


def _answer(receipt: Receipt) -> PublishResponse | JSONResponse:
    refused = receipt.refused.select(["row", "reason"]).to_pylist()
    answer = PublishResponse(
        taken=receipt.taken, duplicates=receipt.duplicates, refused=refused,
        unknown_items=receipt.unknown_items, ignored=list(receipt.ignored),
    )  # fmt: skip
    if refused and not receipt.taken + receipt.duplicates:
        told = f"no event was taken: row {refused[0]['row']}: {refused[0]['reason']}"
        return JSONResponse({"error": told, **answer.model_dump()}, status_code=400)
    return answer


Events.add_asgi_middleware(JsonDoor, path=ROUTE, largest=LARGEST_BODY)
