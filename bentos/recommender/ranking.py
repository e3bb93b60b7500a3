"""From a request to a ranked list: by the model on online features, or by popularity from memory."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bentos.recommender.candidates import Catalogue
from bentos.recommender.features import OnlineFeatures
from bentos.recommender.query import UNKNOWN_USER, Query, Ranked, ranked
from models.ranker import Ranker

if TYPE_CHECKING:
    from prometheus_client import Histogram

CANDIDATES = 200  # that the service chooses itself


@dataclass(frozen=True)
class Ranking:
    catalogue: Catalogue
    online: OnlineFeatures
    ranker: Ranker
    read_seconds: "Histogram"

    def rank(self, query: Query) -> Ranked:
        """Reads features and scores; blocks. Raises what a read raises when the store is down (STORE_ERRORS)."""
        with self.read_seconds.labels("user").time():
            user = self.online.user(query.user_id)
        if not user.known:
            return self.popular(query, UNKNOWN_USER)
        item_ids = self._candidates(query, user.top_topics)
        with self.read_seconds.labels("candidates").time():
            read = self.online.read(query.user_id, item_ids, query.as_of_us, query.surface)
        features = self.online.matrix(read)
        return ranked(item_ids, self.ranker.score(features), features, None, read)

    def warm(self, now_us: int) -> None:
        """Reads and scores one row of nobody and nothing, which loads what the first read of a process loads."""
        self.online.user("")
        self.ranker.score(self.online.matrix(self.online.read("", np.array([""], dtype=object), now_us, None)))

    def popular(self, query: Query, fallback: str) -> Ranked:
        """The most popular items on air, or the asked ones by popularity: from memory alone."""
        if query.item_ids is None:
            places = self.catalogue.popular(query.as_of_us, CANDIDATES)
            item_ids = self.catalogue.item_ids[places]
        else:
            item_ids, places = np.array(query.item_ids, dtype=object), self.catalogue.places_of(query.item_ids)
        return ranked(item_ids, self.catalogue.popularity_of(places), None, fallback)

    def _candidates(self, query: Query, top_topics: list[str]) -> np.ndarray:
        if query.item_ids is not None:
            return np.array(query.item_ids, dtype=object)
        return self.catalogue.item_ids[self.catalogue.candidates(query.as_of_us, top_topics, CANDIDATES)]
