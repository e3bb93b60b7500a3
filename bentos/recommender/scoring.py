"""The ranker of the promoted model on a request's candidates."""

import numpy as np

from models.explain import Explanation, explanations
from models.recommender import Recommender
from models.retrieval.merging import SOURCE_FEATURES

REMEDY = "they do not belong together; run `streamrank train && streamrank promote`"


class Scoring:
    """The matrix in the model's order, its scores, and why they are what they are."""

    def __init__(self, recommender: Recommender) -> None:
        """ValueError where the ranker takes other columns than are named, or those of sources that are not there."""
        self._ranker, self.features = recommender.ranker, recommender.features
        if self._ranker.features != self.features:
            odd = sorted({*self._ranker.features} ^ {*self.features}) or "the same in another order"
            raise ValueError(f"the promoted model's ranker and recommender.json name other features, {odd}: {REMEDY}")
        given = SOURCE_FEATURES(recommender.names)
        if missing := sorted({*recommender.source_features} - {*given}):
            raise ValueError(f"the promoted model takes {missing}, its sources are {recommender.names}: {REMEDY}")
        self.from_sources = recommender.source_features
        self._taken = np.array([given.index(name) for name in recommender.source_features], np.int64)

    def matrix(self, feast: np.ndarray, sources: np.ndarray) -> np.ndarray:
        """float32 [rows, features]: those of Feast, then those of the sources."""
        return np.concatenate([feast, sources[:, self._taken]], axis=1)

    def scores(self, matrix: np.ndarray) -> np.ndarray:
        """float32 [rows]."""
        return self._ranker.score(matrix)

    def explained(self, matrix: np.ndarray, rows: np.ndarray) -> list[Explanation]:
        """One for each of these rows, int64 [n], of the candidates' matrix; none where the ranker cannot say."""
        found = self._ranker.contributions(matrix[rows])
        return [] if found is None else explanations(self.features, matrix[rows], found, among=matrix)
