"""A recommender that was learned: sources and a ranker over what they say, fitted so that neither saw the answers."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from models.learning.examples import CANDIDATES
from models.learning.question import Extra, Question
from models.ranker import Ranker
from models.rankers.examples import Examples
from models.retrieval.merging import Candidates, merged
from models.retrieval.side_by_side import ask
from models.retrieval.sources import Fitted
from models.viewer import Moment, Viewer

NOTHING_WANTED = np.zeros(0, np.int64)


@dataclass(frozen=True)
class Learned:
    """sources: fitted to all acts. ranker: of the columns feature_names. chosen: what was tried, kept and why, as JSON.

    extra: gives the columns that are not of the sources, as `learn` was given it. examples: what the ranker learned
    from, so that it can be fitted again to a part of it.
    """

    sources: Fitted
    ranker: Ranker
    feature_names: list[str]
    extra: Extra | None = None
    chosen: dict[str, Any] = field(default_factory=dict)
    examples: Examples | None = None

    def candidates(self, viewer: Viewer, moment: Moment, allowed: np.ndarray, most: int = CANDIDATES) -> Candidates:
        """What the sources propose together."""
        return merged(ask(self.sources.sources, viewer, moment, allowed, most).found, self.sources.names, most)

    def rank(
        self, viewer: Viewer, moment: Moment, allowed: np.ndarray, k: int, extra: Extra | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """(places int64 [at most k], scores float32), best first; ties in the order of the candidates."""
        found = self.candidates(viewer, moment, allowed)
        scores = self.score(found, Question(viewer, moment, allowed, NOTHING_WANTED, 0), extra)
        order = np.argsort(-scores, kind="stable")[:k]
        return found.places[order], scores[order]

    def score(self, found: Candidates, question: Question, extra: Extra | None = None) -> np.ndarray:
        """float32 [candidates]: the ranker's score of each."""
        further = extra or self.extra
        columns = further([question], [found.places]) if further and len(found.places) else {}
        named = dict(zip(self._source_features, found.features.T, strict=True)) | columns
        matrix = np.column_stack([named[name] for name in self.ranker.features]) if len(found.places) else None
        return self.ranker.score(matrix.astype(np.float32)) if matrix is not None else np.zeros(0, np.float32)

    @property
    def _source_features(self) -> list[str]:
        from models.retrieval.merging import SOURCE_FEATURES

        return SOURCE_FEATURES(self.sources.names)
