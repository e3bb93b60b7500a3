"""From a request to a list: who asks, candidates of all sources, their features, the ranker, and what is done to its
order; or what is popular, from memory."""

from dataclasses import dataclass, replace

import numpy as np

from bentos.recommender.board import Board
from bentos.recommender.catalogue import Catalogue
from bentos.recommender.features import OnlineFeatures
from bentos.recommender.from_memory import proposed
from bentos.recommender.live import Live
from bentos.recommender.metrics import Metrics
from bentos.recommender.query import UNKNOWN_USER, Query, Ranked, ranked
from bentos.recommender.reranking import Reranking, Scored
from bentos.recommender.retrieval import MOST, Candidates, Retrieval
from bentos.recommender.scoring import Scoring
from bentos.recommender.unheard_of import unheard_of
from bentos.recommender.viewers import Asking, OnlineViewers, asking
from models.recommender import Recommender
from models.viewer import Moment, Viewer
from streamrank.stores.reader import OnlineRead

NOBODY = Viewer()
MOST_UPCOMING = 100


@dataclass(frozen=True)
class Ranking:
    recommender: Recommender
    live: Live
    board: Board
    viewers: OnlineViewers
    retrieval: Retrieval
    online: OnlineFeatures
    scoring: Scoring
    reranking: Reranking
    measured: Metrics

    def rank(self, query: Query) -> Ranked:
        """All stages; blocks. Raises what a read raises when the store is down (STORE_ERRORS).

        What has ended is left out, also where its end was applied while the request was under way, up to the instant at
        which its candidates were read.
        """
        found = self._ranked(query)
        return self._explained(self._without_ended(found), query)

    def popular(self, query: Query, fallback: str) -> Ranked:
        """What is watched most now, or the asked items by that: from memory alone."""
        return self._without_ended(self._popular(query, fallback))

    def told(self, query: Query, fallback: str) -> Ranked:
        """What sources propose for what the request itself says of the viewer, without ranker or online store; what is
        popular where it says nothing that anybody knows."""
        catalogue = self.live.catalogue
        asked = asking(Viewer(query.user_id), query, catalogue.places, catalogue.topics, anything=False)
        if asked.known_by is None:
            return _with_told(self.popular(query, fallback), asked)
        moment, worth = self.board.moment(catalogue, query.as_of_us), self.board.trending(catalogue)
        candidates = self._candidates(query, asked.viewer, moment, catalogue)
        item_ids = self._item_ids(query, candidates, catalogue)
        found = proposed(item_ids, candidates, np.append(worth, 0.0)[candidates.places], fallback)
        known = self._without_unheard(replace(found, known_by=asked.known_by), query, catalogue)
        return _with_told(self._without_ended(known), asked)

    def warm(self, now_us: int) -> None:
        """Asks for nobody and nothing, which loads what the first request of a process loads."""
        self.live.sync()
        self.live.renew()
        self.board.refresh()
        nobody = Query("", None, now_us, None)
        self.viewers.asking(self.viewers.read(nobody), nobody, {}, {})
        catalogue = self.live.catalogue
        self._scored(
            nobody, self._candidates(nobody, NOBODY, self.board.moment(catalogue, now_us), catalogue), catalogue
        )

    def probe(self) -> None:
        """Asks the online store for anything. Raises as `rank` does."""
        nobody = Query("", None, 0, None)
        self.viewers.asking(self.viewers.read(nobody), nobody, {}, {})

    def close(self) -> None:
        self.board.close()
        self.retrieval.close()

    def _ranked(self, query: Query) -> Ranked:
        with self.measured.reading("user"):
            theirs = self.viewers.read(query, meanwhile=self.live.sync)
            catalogue = self.live.catalogue
            asked = self.viewers.asking(theirs, query, catalogue.places, catalogue.topics)
        if asked.known_by is None:
            return _with_told(self._popular(query, UNKNOWN_USER), asked)
        query = self._without_hidden(query, asked.viewer, catalogue)
        moment = self.board.moment(catalogue, query.as_of_us)
        candidates = self._candidates(query, asked.viewer, moment, catalogue)
        scored, read = self._scored(query, candidates, catalogue, asked.named)
        with self.measured.stage("rerank"):
            found = self._reranked(query, asked.viewer, scored, moment, catalogue)
        found = self._without_unheard(found, query, catalogue, read)
        return _with_told(replace(found, read=read, asked=asked.read, known_by=asked.known_by), asked)

    def _without_hidden(self, query: Query, viewer: Viewer, catalogue: Catalogue) -> Query:
        """Of given candidates, those that have not ended and that the viewer has not hidden."""
        if query.item_ids is None:
            return query
        gone = self._ended(query.item_ids) | np.isin(catalogue.places_of(query.item_ids), viewer.hidden)
        kept = [item_id for item_id, left_out in zip(query.item_ids, gone.tolist(), strict=True) if not left_out]
        return replace(query, item_ids=kept)

    def _candidates(self, query: Query, viewer: Viewer, moment: Moment, catalogue: Catalogue) -> Candidates:
        with self.measured.stage("retrieve"):
            allowed = self._allowed(viewer, moment)
            found = self.retrieval.found(catalogue, viewer, moment, allowed)
            if query.item_ids is None:
                more, worth = self._upcoming(query, catalogue), self.board.trending(catalogue)
                return self.retrieval.chosen(catalogue, found, allowed, worth, more)
            return self.retrieval.given(found, catalogue.places_of(query.item_ids))

    def _allowed(self, viewer: Viewer, moment: Moment) -> np.ndarray:
        allowed = self.recommender.allowed(viewer, moment)
        if self.recommender.seen_leaves:
            allowed[viewer.picked] = False
        return allowed

    def _scored(
        self, query: Query, candidates: Candidates, catalogue: Catalogue, named: tuple[str, ...] = ()
    ) -> tuple[Scored, OnlineRead]:
        """named: topics of the request."""
        item_ids = self._item_ids(query, candidates, catalogue)
        with self.measured.reading("candidates"):
            asked = query.user_id, item_ids, query.as_of_us, query.surface, named
            read = self.online.read(*asked, meanwhile=lambda: self._meanwhile(candidates))
        with self.measured.stage("rank"):
            features = self.scoring.matrix(self.online.matrix(read), candidates.features)
            return Scored(item_ids, features, self.scoring.scores(features), candidates), read

    def _meanwhile(self, candidates: Candidates) -> None:
        """While the store is busy with the candidates: what sources say of them, and then what it says that ended."""
        _ = candidates.features
        self.live.sync()

    def _item_ids(self, query: Query, candidates: Candidates, catalogue: Catalogue) -> np.ndarray:
        given = query.item_ids is not None
        return np.array(query.item_ids, dtype=object) if given else catalogue.item_ids[candidates.places]

    def _reranked(self, query: Query, viewer: Viewer, scored: Scored, moment: Moment, catalogue: Catalogue) -> Ranked:
        if query.item_ids is not None:
            return self.reranking.given(scored)
        return self.reranking.chosen(scored, query, viewer, moment, catalogue, self.board.outcomes(catalogue))

    def _explained(self, found: Ranked, query: Query) -> Ranked:
        if not query.explain or found.stages is None:
            return found
        rows = found.places[: query.k]
        told = self.scoring.explained(found.features, rows)
        return replace(found, stages=replace(found.stages, explanations=dict(zip(rows.tolist(), told, strict=False))))

    def _popular(self, query: Query, fallback: str) -> Ranked:
        catalogue = self.live.catalogue
        worth = self.board.trending(catalogue)
        if query.item_ids is not None:
            places = catalogue.places_of(query.item_ids)
            found = ranked(np.array(query.item_ids, dtype=object), np.append(worth, 0.0)[places], None, fallback)
            return self._without_unheard(found, query, catalogue)
        on_air = np.flatnonzero(self.board.on_air(catalogue, query.as_of_us))
        first = np.argsort(-worth[on_air], kind="stable")[:MOST]
        places = np.concatenate([on_air[first], self._upcoming(query, catalogue)])
        return ranked(catalogue.item_ids[places], worth[places], None, fallback)

    def _upcoming(self, query: Query, catalogue: Catalogue) -> np.ndarray:
        return catalogue.upcoming(query.as_of_us, MOST_UPCOMING if query.include_upcoming else 0)

    def _without_unheard(
        self, found: Ranked, query: Query, catalogue: Catalogue, read: OnlineRead | None = None
    ) -> Ranked:
        """Without given candidates of which nobody knows anything, which are named. read: of all that were given."""
        if query.item_ids is None or not (unknown := unheard_of(query.item_ids, catalogue, read)):
            return found
        left_out = np.isin(found.item_ids.astype(str), unknown)
        return replace(found.without(left_out), unknown_candidates=unknown)

    def _without_ended(self, found: Ranked) -> Ranked:
        return found.without(self._ended(found.item_ids.tolist()))

    def _ended(self, item_ids: list[str]) -> np.ndarray:
        ended = self.live.ended(item_ids)
        self.measured.ended_items.inc(int(ended.sum()))
        return ended


def _with_told(found: Ranked, asking: Asking) -> Ranked:
    """With what the request said of the viewer, and what of it nobody knows."""
    unknown = {"unknown_picked": asking.unknown_picked, "unknown_topics": asking.unknown_topics}
    return replace(found, stated_topics=asking.named, **unknown)
