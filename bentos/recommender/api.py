"""What `POST /recommend` takes and answers. Ids have the type that the data set's ids had: integers or strings."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

import bentoml
from pydantic import BaseModel, ConfigDict, Field, create_model

from catalog.dataset import IdType, Manifest

MOST_ITEMS = 200
MOST_CANDIDATES = 1_000

Fallback = Literal["unknown_user", "online_store_unavailable", "feature_timeout", "feature_error"]
Context = Annotated[str, Field(max_length=256)]
IntegerId = Annotated[int, Field(strict=True, ge=-(2**63), lt=2**63)]
StringId = Annotated[str, Field(strict=True, min_length=1, max_length=256)]
ID_TYPES = {"integer": IntegerId, "string": StringId}


class _Request(bentoml.IODescriptor):
    model_config = ConfigDict(extra="forbid")

    k: Annotated[int, Field(strict=True, ge=1, le=MOST_ITEMS, description="how many items to answer at most")] = 10
    surface: Annotated[Context | None, Field(description="where the list is shown")] = None
    include_upcoming: Annotated[
        bool, Field(strict=True, description="whether shows that begin later may be among what the service chooses")
    ] = False
    device: Annotated[Context | None, Field(description="what it is shown on")] = None
    location: Annotated[Context | None, Field(description="where the user is")] = None


class _Response(bentoml.IODescriptor):
    request_id: str = Field(description="names this answer in the served log")
    model_version: str = Field(description="version of the promoted model in the BentoML model store")
    as_of: datetime = Field(description="the instant that features and availability are of, UTC")
    variant: str | None = Field(None, description="always null: no experiments yet")
    degraded: bool = Field(description="true when features could not be read and popular items are answered instead")
    fallback: Fallback | None = Field(description="why popular items are answered, null when the ranker answers")


@dataclass(frozen=True)
class Api:
    """The request and response models of one data set. `as_id` turns an id of the platform into its original type."""

    Request: type[_Request]
    Response: type[_Response]
    Item: type[BaseModel]
    as_id: type[int] | type[str]


def api_of(manifest: Manifest) -> Api:
    """The models for ids of the types that `manifest` names."""
    user_id, item_id = ID_TYPES[manifest.user_ids], ID_TYPES[manifest.item_ids]
    item = _item(manifest.item_ids)
    candidates = Annotated[
        list[item_id] | None,
        Field(
            max_length=MOST_CANDIDATES,
            description="items to rank, duplicates counted once; without it the service chooses among what is on air",
        ),
    ]
    request = create_model("RecommendRequest", __base__=_Request, user_id=(user_id, ...), candidates=(candidates, None))
    response = create_model("RecommendResponse", __base__=_Response, items=(list[item], ...))
    return Api(request, response, item, int if manifest.item_ids == "integer" else str)


def _item(ids: IdType) -> type[BaseModel]:
    return create_model(
        "RankedItem",
        item_id=(int if ids == "integer" else str, ...),
        score=(float, Field(description="the ranker's score, or the item's popularity in a fallback")),
        rank=(int, Field(ge=1, description="place in the answer, from 1")),
        available_from=(
            datetime | None,
            Field(None, description="when an upcoming item begins, UTC; null once on air"),
        ),
    )
