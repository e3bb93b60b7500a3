"""A ranked list as the items of an answer, with reasons where they are asked for."""

from math import isnan
from typing import Any

import numpy as np

from bentos.recommender.api import Api
from bentos.recommender.query import Ranked, Stages
from models.feature_words import source_words
from models.rerank.exploration import was_explored
from streamrank import clock

NO_REASONS: dict[str, list] = {"sources": [], "contributions": [], "changes": []}
"""Said of each item: pydantic would copy its defaults sixty times an answer."""


def items(api: Api, ranked: Ranked, begins: list[int | None], explain: bool) -> list:
    """The first items, one for each of `begins`: when it can be watched, us UTC, or None where it can be now."""
    best = zip(ranked.item_ids.tolist(), ranked.scores.tolist(), ranked.places.tolist(), begins, strict=False)
    return [
        api.Item(
            item_id=api.as_id(item_id), score=score, rank=rank, available_from=begin and clock.moment(begin),
            **_drawn(ranked.stages, row), **(_reasons(ranked.stages, row) if explain and ranked.stages else NO_REASONS),
        )
        for rank, (item_id, score, row, begin) in enumerate(best, 1)
    ]  # fmt: skip


def _drawn(stages: Stages | None, row: int) -> dict[str, Any]:
    """With which probability it came into its slot, and whether that was drawn."""
    if stages is None:
        return {}
    propensity = float(stages.propensity[row])
    told = None if isnan(propensity) else propensity
    return {"propensity": told, "explored": was_explored(stages.changes.get(row, ()))}


def _reasons(stages: Stages, row: int) -> dict[str, Any]:
    told: dict[str, Any] = {"sources": _sources(stages, row), "changes": list(stages.changes.get(row, ()))}
    if why := stages.explanations.get(row):
        told |= {"base": why.base, "rest": why.rest, "contributions": [vars(part) for part in why.contributions]}
    return told


def _sources(stages: Stages, row: int) -> list[dict[str, Any]]:
    """Those that found it, the one in which it stands highest first."""
    ranks = stages.ranks[row]
    order = np.argsort(ranks, kind="stable")[: np.count_nonzero(~np.isnan(ranks))]
    return [
        {"source": stages.sources[place], "rank": int(ranks[place]), "text": source_words(stages.sources[place])}
        for place in order.tolist()
    ]
