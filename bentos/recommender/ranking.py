"""From a request to a ranked list: by the model on online features, or by popularity from memory."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bentos.recommender.features import OnlineFeatures
from bentos.recommender.live import Live
from bentos.recommender.query import UNKNOWN_USER, Query, Ranked, ranked
from models.ranker import Ranker

if TYPE_CHECKING:
    from prometheus_client import Counter, Histogram

CANDIDATES = 200  # that the service chooses itself from the catalogue
MOST_UPCOMING = 100


@dataclass(frozen=True)
class Ranking:
    live: Live
    online: OnlineFeatures
    ranker: Ranker
    read_seconds: "Histogram"
    ended_items: "Counter"

    def rank(self, query: Query) -> Ranked:
        """Reads features and scores; blocks. Raises what a read raises when the store is down (STORE_ERRORS).

        What has ended is left out, also where its end was applied while the request was under way.
        """
        self.live.sync()
        found = self._ranked(query)
        self.live.sync()
        return self._without_ended(found)

    def _ranked(self, query: Query) -> Ranked:
        with self.read_seconds.labels("user").time():
            user = self.online.user(query.user_id)
        if not user.known:
            return self._popular(query, UNKNOWN_USER)
        item_ids = self._candidates(query, user.top_topics)
        with self.read_seconds.labels("candidates").time():
            read = self.online.read(query.user_id, item_ids, query.as_of_us, query.surface)
        features = self.online.matrix(read)
        return ranked(item_ids, self.ranker.score(features), features, None, read)

    def warm(self, now_us: int) -> None:
        """Reads and scores one row of nobody and nothing, which loads what the first read of a process loads."""
        self.live.sync()
        self.online.user("")
        self.ranker.score(self.online.matrix(self.online.read("", np.array([""], dtype=object), now_us, None)))

    def popular(self, query: Query, fallback: str) -> Ranked:
        """The most popular items on air, or the asked ones by popularity: from memory alone."""
        return self._without_ended(self._popular(query, fallback))

    def _popular(self, query: Query, fallback: str) -> Ranked:
        catalogue = self.live.catalogue
        if query.item_ids is None:
            places = np.append(catalogue.popular(query.as_of_us, CANDIDATES), self._upcoming(query))
            item_ids = catalogue.item_ids[places]
        else:
            item_ids, places = np.array(query.item_ids, dtype=object), catalogue.places_of(query.item_ids)
        return ranked(item_ids, catalogue.popularity_of(places), None, fallback)

    def _candidates(self, query: Query, top_topics: list[str]) -> np.ndarray:
        if query.item_ids is not None:
            given = np.array(query.item_ids, dtype=object)
            return given[~self._ended(given)]
        catalogue = self.live.catalogue
        chosen = catalogue.candidates(query.as_of_us, top_topics, CANDIDATES)
        return catalogue.item_ids[np.append(chosen, self._upcoming(query))]

    def _upcoming(self, query: Query) -> np.ndarray:
        wanted = MOST_UPCOMING if query.include_upcoming else 0
        return self.live.catalogue.upcoming(query.as_of_us, wanted)

    def _without_ended(self, found: Ranked) -> Ranked:
        return found.without(self._ended(found.item_ids))

    def _ended(self, item_ids: np.ndarray) -> np.ndarray:
        ended = self.live.ended(item_ids.tolist())
        self.ended_items.inc(int(ended.sum()))
        return ended
