"""From scores to the list that is shown: what leaves, what is spread, what is explored, and what was done to each."""

from dataclasses import dataclass, replace

import numpy as np

from bentos.recommender.board import Outcomes
from bentos.recommender.catalogue import Catalogue
from bentos.recommender.query import Left, Query, Ranked, Stages
from bentos.recommender.retrieval import Candidates
from models.recommender import Recommender
from models.rerank import step
from models.rerank.steps import rerank, steps
from models.viewer import Moment, Viewer


@dataclass(frozen=True)
class Scored:
    """Candidates with what was read of them. item_ids: str [rows]. features: float32 [rows, features]. scores: float32
    [rows]."""

    item_ids: np.ndarray
    features: np.ndarray
    scores: np.ndarray
    candidates: Candidates


class Reranking:
    """The steps of the promoted model."""

    def __init__(self, recommender: Recommender) -> None:
        self._steps = steps(replace(recommender.rerank, seen_leaves=recommender.seen_leaves))

    def chosen(
        self, scored: Scored, query: Query, viewer: Viewer, moment: Moment, catalogue: Catalogue,
        outcomes: Outcomes | None,
    ) -> Ranked:  # fmt: skip
        """The list after every step."""
        counted = (outcomes.impressions, outcomes.clicks) if outcomes else (None, None)
        context = step.Context(viewer, moment, catalogue.items, query.k, query.seed, *counted)
        before = step.Ranked.of(scored.candidates.places, scored.scores)
        after = rerank(before, self._steps, context)
        return _told(scored, after, catalogue)

    def given(self, scored: Scored) -> Ranked:
        """Items that the caller named: in the ranker's order, and nothing is drawn."""
        order = np.argsort(-scored.scores, kind="stable")
        stages = _stages(scored, np.ones(len(order)), {})
        return Ranked(scored.item_ids[order], scored.scores[order], order, None, scored.features, stages=stages)


def _told(scored: Scored, after: step.Ranked, catalogue: Catalogue) -> Ranked:
    row_of = np.full(len(catalogue), -1, np.int64)
    row_of[scored.candidates.places] = np.arange(len(scored.candidates.places))
    rows = row_of[after.places]
    propensity = np.full(len(scored.scores), np.nan)
    propensity[rows] = after.propensity
    left_out = np.ones(len(scored.scores), bool)
    left_out[rows] = False
    gone = np.flatnonzero(left_out)
    changes = {int(row_of[place]): words for place, words in after.changes.items()}
    return Ranked(
        scored.item_ids[rows], scored.scores[rows], rows, None, scored.features,
        stages=_stages(scored, propensity, changes),
        left=Left(scored.item_ids[gone], scored.scores[gone], gone),
    )  # fmt: skip


def _stages(scored: Scored, propensity: np.ndarray, changes: dict[int, tuple[str, ...]]) -> Stages:
    stood = np.empty(len(scored.scores), np.int32)
    stood[np.argsort(-scored.scores, kind="stable")] = np.arange(1, len(stood) + 1, dtype=np.int32)
    return Stages(scored.candidates.sources, scored.candidates.ranks, stood, propensity, changes)
