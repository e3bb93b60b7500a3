"""Lists after re-ranking, and with exploration: what accuracy pays for variety, newness and knowing more."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from models.items import Items
from models.rerank.step import Context, Ranked
from models.rerank.steps import RerankSettings, rerank, steps
from pipelines.protocols.answers import Question, empty, put

SHOWN = 10


def reranked(
    lists: np.ndarray, scores: np.ndarray, questions: Iterable[Question], items: Items, settings: RerankSettings
) -> np.ndarray:
    """int32 [questions, DEPTH]. lists, scores: what the ranker answered, [questions, DEPTH]. The seed of what is drawn
    is the question's number."""
    found, chain = empty(len(lists)), steps(settings)
    for question in questions:
        there = lists[question.number] >= 0
        given = Ranked.of(lists[question.number][there], scores[question.number][there])
        context = Context(question.viewer, question.moment, items, SHOWN, question.number)
        put(found, question.number, rerank(given, chain, context).places)
    return found


def settings_of(repeats: bool) -> tuple[RerankSettings, RerankSettings]:
    """(the usual settings without exploration, the usual settings)."""
    usual = RerankSettings(seen_leaves=not repeats)
    return replace(usual, explore=None), usual
