"""What everybody does right now, read beside the requests: windows of every item, every second or two.

Trending, who is watching, and how items do where they are shown then cost a request nothing. While Redis is away, what
was known last holds.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from feast import FeatureStore

from bentos.recommender.catalogue import Catalogue
from bentos.recommender.standing import FEATURES, Standing, as_long, standing_of
from models.retrieval.trending import Trending
from models.viewer import Moment
from streamrank import clock
from streamrank.stores.reader import OnlineReader

logger = logging.getLogger(__name__)

EVERY_SECONDS = 1.0
MOST_HELD = 250_000  # items: of more, only those that requests name are held
PART = 500  # items of one read: a request waits for no more than that
REST = 30  # times as long as a read worked, requests have the machine to themselves: each bears a little, none much


@dataclass(frozen=True)
class Outcomes:
    """How items do where they are shown: float32 [items], over a week."""

    impressions: np.ndarray
    clicks: np.ndarray


class Board:
    """Refreshed by a thread of its own between `start` and `close`; what it knows is replaced as a whole."""

    def __init__(
        self, store: FeatureStore, catalogue: Callable[[], Catalogue], trending: Trending, hours: float | None,
        hold: Callable[[Mapping[str, np.ndarray]], None], renew: Callable[[], None] = lambda: None,
    ) -> None:  # fmt: skip
        """catalogue: the one in use. trending: what counts as watched lately. hours: an item is on air while anyone has
        acted on it within so many; None: by its times. hold: is told of all items as they are read, so that requests
        need not read what their keys are reached by. renew: what else is done beside the requests, before each
        refresh."""
        self._reader, self._catalogue = OnlineReader(store, list(FEATURES)), catalogue
        self._trending, self._hours, self._hold, self._renew = trending, hours, hold, renew
        self._standing = self._of(np.full((0, len(self._reader.names)), np.nan, np.float32))
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="board", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._closing.set()

    def refresh(self, rest: float = 0) -> None:
        """Reads the windows of every item. rest: how long to pause after a part, in times that it worked."""
        item_ids = self._catalogue().item_ids
        parts = []
        for start in range(0, len(item_ids), PART):
            began = time.thread_time()
            part = {"item_id": item_ids[start : start + PART]}
            parts.append(self._reader.read(part).matrix)
            if len(item_ids) <= MOST_HELD:
                self._hold(part)
            if self._closing.wait(rest * (time.thread_time() - began)):
                return
        if parts:
            self._standing = self._of(np.concatenate(parts))

    def moment(self, catalogue: Catalogue, now_us: int) -> Moment:
        """What holds for everybody. Arrays are as long as the catalogue."""
        standing, items = self._standing, len(catalogue)
        return Moment(
            now_us=now_us, on_air=self.on_air(catalogue, now_us), begins=catalogue.available_from,
            recent=as_long(standing.recent, items, 0), watching=as_long(standing.watching, items, np.nan),
        )  # fmt: skip

    def on_air(self, catalogue: Catalogue, now_us: int) -> np.ndarray:
        """bool [items]: what can be watched; where a rule of hours holds, what someone has acted on within so many, or
        was started."""
        on_air, standing = catalogue.on_air(now_us), self._standing
        if self._hours is None or not len(standing):
            return on_air
        return on_air & (standing.acted_within(self._hours, len(catalogue)) | catalogue.started)

    def trending(self, catalogue: Catalogue) -> np.ndarray:
        """float64 [items]: how much each is watched lately; of those that nobody watches, and of equal ones, what was
        popular when the model was promoted stands first."""
        ever = catalogue.share if self._standing.recent.any() else catalogue.popularity
        return as_long(self._standing.recent, len(catalogue), 0) + ever

    def outcomes(self, catalogue: Catalogue) -> Outcomes | None:
        """None where nothing was counted."""
        standing, items = self._standing, len(catalogue)
        if not standing.impressions.any():
            return None
        return Outcomes(as_long(standing.impressions, items, 0), as_long(standing.clicks, items, 0))

    def _of(self, matrix: np.ndarray) -> Standing:
        """matrix: float32 [items, features of the reader]."""
        columns = {name: matrix[:, place] for place, name in enumerate(self._reader.names)}
        return standing_of(columns, self._trending, clock.now_us())

    def _run(self) -> None:
        while not self._closing.wait(EVERY_SECONDS):
            try:
                self._renew()
                self.refresh(REST)
            except Exception as error:  # the board is never worth an answer; what was known last holds
                logger.debug("what everybody does could not be read: %s", error)
