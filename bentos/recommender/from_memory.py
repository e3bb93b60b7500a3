"""Lists that need no online store: what is watched most, or what sources propose for what the request itself says."""

import numpy as np

from bentos.recommender.query import Ranked, Stages
from bentos.recommender.retrieval import Candidates
from models.retrieval.merging import fused


def proposed(item_ids: np.ndarray, candidates: Candidates, worth: np.ndarray, fallback: str) -> Ranked:
    """Candidates as the sources together order them, without a ranker; equal ones by what they are worth.

    item_ids: str [n], worth: float [n], both in the order of the candidates. The scores are those of the fusion.
    """
    scores = fused(candidates.ranks)
    order = np.lexsort((-worth, -scores))
    stood = np.empty(len(order), np.int32)
    stood[order] = np.arange(1, len(order) + 1, dtype=np.int32)
    stages = Stages(candidates.sources, candidates.ranks, stood, np.full(len(order), np.nan))
    return Ranked(item_ids[order], scores[order], order, fallback, stages=stages)
