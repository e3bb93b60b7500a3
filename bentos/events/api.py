"""What `POST /events` takes and answers."""

from typing import Any

import bentoml
import pyarrow.types as pt
from _bentoml_impl.serde import Serde
from pydantic import BaseModel, Field
from starlette.requests import Request

from bentos.events.body import MOST_EVENTS
from catalog.schema import EVENT_TYPES, PUBLISHED

TIME = "ISO 8601 text, or a number since 1970 in s, ms, us or ns; of the whole request in one unit"
SAID = {
    "event_id": "at most once within the bus's horizon; absent: made of the event's content",
    "event_time": f"required. {TIME}",
    "user_id": "this or item_id is required; viewer_* need both, item_* item_id, user_update user_id",
    "creator_id": "absent: what is known of the item on arrival",
    "topics": "the main one first; absent: what is known of the item on arrival",
    "attributes": "what an item_start, item_update or user_update (topics, age) says; an object, or one as text",
}


class PublishRequest(bentoml.IODescriptor):
    """The body as it came: the door judges its events one by one, so that a bad one never keeps out the others."""

    body: bytes

    @classmethod
    async def from_http_request(cls, request: Request, serde: Serde) -> "PublishRequest":
        return cls.model_construct(body=await request.body())

    @classmethod
    def model_json_schema(cls, *args: Any, **kwargs: Any) -> dict[str, Any]:
        events = {"type": "array", "maxItems": MOST_EVENTS, "items": EVENT_SCHEMA}
        wrapped = {"type": "object", "required": ["events"], "properties": {"events": events}}
        return {"title": "PublishRequest", "anyOf": [events, wrapped]}


class Refused(BaseModel):
    row: int = Field(ge=0, description="place of the event in the request, from 0")
    reason: str = Field(description="kind of breach, colon, what was found; several joined by '; '")


class PublishResponse(bentoml.IODescriptor):
    taken: int = Field(ge=0, description="events that count from now on")
    duplicates: int = Field(ge=0, description="events whose event_id had been taken before: a retry counts once")
    refused: list[Refused] = Field(description="events that may not enter, kept in quarantine")
    unknown_items: int = Field(ge=0, description="events taken whose item nobody has described")
    ignored: list[str] = Field(description="fields that no event has, and attributes that nothing is made of")


def _schema_of(name: str) -> dict[str, Any]:
    kind, said = PUBLISHED.field(name).type, {"description": SAID[name]} if name in SAID else {}
    if name == "event_type":
        return {"enum": list(EVENT_TYPES), "default": "view"}
    if name == "event_time":
        return {"type": ["string", "number"], **said}
    if name == "attributes":
        return {"type": ["object", "string"], **said}
    if pt.is_list(kind):
        return {"type": "array", "items": {"type": "string"}, **said}
    if pt.is_string(kind):
        return {"type": ["string", "integer"] if name in ("user_id", "item_id", "creator_id") else "string", **said}
    return {"type": "integer" if pt.is_integer(kind) else "number", **said}


EVENT_SCHEMA = {
    "type": "object",
    "required": ["event_time"],
    "properties": {name: _schema_of(name) for name in PUBLISHED.names},
}
