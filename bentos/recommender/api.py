"""What `POST /recommend` takes and answers. Ids have the type that the data set's ids had: integers or strings."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

import bentoml
from pydantic import BaseModel, ConfigDict, Field, create_model

from catalog.dataset import IdType, Manifest

MOST_ITEMS = 200
MOST_CANDIDATES = 1_000
MOST_PICKED = 50
MOST_TOPICS = 50

Fallback = Literal["unknown_user", "online_store_unavailable", "feature_timeout", "feature_error"]
KnownBy = Literal["history", "picked", "topics", "profile"]
Context = Annotated[str, Field(max_length=256)]
Topic = Annotated[str, Field(strict=True, min_length=1, max_length=256)]
IntegerId = Annotated[int, Field(strict=True, ge=-(2**63), lt=2**63)]
StringId = Annotated[str, Field(strict=True, min_length=1, max_length=256)]
ID_TYPES = {"integer": IntegerId, "string": StringId}
EXPLAINED = ("sources", "contributions", "base", "rest", "changes")
"""Fields of an item that are there with `explain` only."""


class _Request(bentoml.IODescriptor):
    model_config = ConfigDict(extra="forbid")

    k: Annotated[int, Field(strict=True, ge=1, le=MOST_ITEMS, description="how many items to answer at most")] = 10
    topics: Annotated[
        list[Topic] | None, Field(max_length=MOST_TOPICS, description="topics that the user names as liked")
    ] = None
    explain: Annotated[bool, Field(strict=True, description="whether each item says why it is there")] = False
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
    known_by: KnownBy | None = Field(
        None,
        description="what the list is made for: the user's history, what they picked, topics, a profile; or nothing",
    )


class Proposal(BaseModel):
    source: str = Field(description="a source of candidates")
    rank: int = Field(ge=1, description="place of the item in what it proposed, from 1")
    text: str = Field(description="what the source proposes")


class FeatureContribution(BaseModel):
    feature: str
    value: float | None = Field(description="null where it is missing")
    contribution: float = Field(description="what it adds to the score")
    text: str = Field(description="the feature in words")


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
    item, as_id = _item(manifest.item_ids), int if manifest.item_ids == "integer" else str
    candidates = Annotated[
        list[item_id] | None,
        Field(
            max_length=MOST_CANDIDATES,
            description="items to rank, duplicates counted once; without it the service chooses among what is on air",
        ),
    ]
    picked = Annotated[
        list[item_id] | None,
        Field(max_length=MOST_PICKED, description="items that the user names as liked: a new user gets a list by them"),
    ]
    request = create_model(
        "RecommendRequest",
        __base__=_Request,
        user_id=(user_id, ...),
        candidates=(candidates, None),
        picked=(picked, None),
    )
    response = create_model(
        "RecommendResponse", __base__=_Response,
        unknown_picked=(list[as_id], Field([], description=UNKNOWN_PICKED)),
        unknown_candidates=(list[as_id], Field([], description=UNKNOWN_CANDIDATES)),
        unknown_topics=(list[str], Field([], description="named topics that no item has; the others count")),
        items=(list[item], ...),
    )  # fmt: skip
    return Api(request, response, item, as_id)


UNKNOWN_CANDIDATES = "given candidates of which nothing is known; the others are ranked"
UNKNOWN_PICKED = "picked items that the catalogue does not have; the others count"


def examples(manifest: Manifest) -> dict[str, Any]:
    """Requests for the OpenAPI page: of a user who is known, of one who picked items, and of one who named topics."""
    user: Any = 196 if manifest.user_ids == "integer" else "u196"
    items: list[Any] = [50, 181, 258, 286, 288]
    picked = items if manifest.item_ids == "integer" else [f"i{item}" for item in items]
    bodies = {
        "a user who is known": {"user_id": user, "k": 10},
        "a new user who picked five items, with reasons": {"user_id": user, "picked": picked, "explain": True},
        "a new user who named topics": {"user_id": user, "topics": ["Comedy", "Drama"]},
    }
    return {summary: {"summary": summary, "value": body} for summary, body in bodies.items()}


def _item(ids: IdType) -> type[BaseModel]:
    only = "; only with `explain`"
    return create_model(
        "RankedItem",
        item_id=(int if ids == "integer" else str, ...),
        score=(float, Field(description="the ranker's score, or how popular the item is in a fallback")),
        rank=(int, Field(ge=1, description="place in the answer, from 1")),
        available_from=(
            datetime | None,
            Field(None, description="when an upcoming item begins, UTC; null once on air"),
        ),
        propensity=(
            float | None,
            Field(None, description="the probability with which it came into its slot; null in a fallback"),
        ),
        explored=(bool, Field(False, description="whether its slot was drawn, to learn how the item does")),
        sources=(list[Proposal], Field([], description=f"the sources that found the item{only}")),
        contributions=(
            list[FeatureContribution], Field([], description=f"what moved the score most, the largest first{only}")
        ),
        base=(float | None, Field(None, description=f"what every item's score starts from{only}")),
        rest=(
            float | None,
            Field(None, description=f"of all other features; base, contributions and rest add up to the score{only}"),
        ),
        changes=(list[str], Field([], description=f"what re-ranking did{only}")),
    )  # fmt: skip
