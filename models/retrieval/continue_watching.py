"""What a viewer began and did not finish, and the next episode of the series that they watch."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models.interactions import Interactions
from models.items import Items
from models.retrieval.some import among
from models.retrieval.source import NOTHING, Found, StepsAside
from models.viewer import Moment, Viewer

BEGUN, FINISHED = 0.05, 0.9  # of an item
LATEST = 1_000  # acts of a viewer that are looked at
NONE = -1


@dataclass(frozen=True)
class ContinueWatching:
    """following: int64 [items], the place of the next episode of the same series, NONE where there is none."""

    following: np.ndarray
    name: str = "continue_watching"

    @classmethod
    def fit(cls, acts: Interactions, items: Items) -> "ContinueWatching":
        """StepsAside where neither the share watched is known nor any item is followed by another."""
        following = next_episodes(items)
        if np.isnan(acts.watched).all() and (following == NONE).all():
            raise StepsAside(
                "continue_watching: needs how much of an item was watched, or episodes of series; there is neither"
            )
        return cls(following)

    def find(self, viewer: Viewer, moment: Moment, allowed: np.ndarray, most: int) -> Found:
        places, watched, since = _last_acts(viewer)
        if not len(places):
            return NOTHING
        unfinished = (watched >= BEGUN) & (watched < FINISHED)
        after = self._after(np.where(unfinished, NONE, places), watched)
        begun = np.isin(after, places)  # an episode that they came to already speaks for itself
        offered = np.concatenate([places[unfinished], after[(after != NONE) & ~begun]])
        since = np.concatenate([since[unfinished], since[(after != NONE) & ~begun]])
        order = np.lexsort((since, offered))
        offered, since = offered[order], since[order]
        first = np.diff(offered, prepend=NONE) != 0
        return among(offered[first], (1 / since[first]).astype(np.float32), allowed, most)

    def extended(self, items: Items) -> "ContinueWatching":
        return ContinueWatching(next_episodes(items))

    def save(self, folder: Path) -> None:
        """Everything follows from the items."""

    @classmethod
    def load(cls, folder: Path, items: Items) -> "ContinueWatching":
        return cls(next_episodes(items))

    def _after(self, places: np.ndarray, watched: np.ndarray) -> np.ndarray:
        """The episode after each that was finished, or of which nobody knows how much was watched."""
        done = (places != NONE) & (places < len(self.following)) & ~(watched < FINISHED)
        return np.where(done, self.following[np.where(done, places, 0)], NONE)


def next_episodes(items: Items) -> np.ndarray:
    """int64 [items]: the place of the episode that comes next in the series, by season and episode; else NONE."""
    series, _ = items.codes("series_id")
    season, episode = (_numbers(items, column) for column in ("season", "episode"))
    told = np.flatnonzero((series >= 0) & (episode >= 0))
    order = told[np.lexsort((episode[told], season[told], series[told]))]
    following = np.full(len(items), NONE, np.int64)
    same = series[order[1:]] == series[order[:-1]]
    following[order[:-1][same]] = order[1:][same]
    return following


def _numbers(items: Items, column: str) -> np.ndarray:
    return items.table[column].combine_chunks().fill_null(NONE).to_numpy()


def _last_acts(viewer: Viewer) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(places int64 [n], ascending, each once; the share watched in the last act on it that tells; how many items back
    that act was, 1 for the latest)."""
    items, watched = viewer.items[-LATEST:], viewer.watched[-LATEST:]
    places, back = np.unique(items[::-1], return_index=True)
    since = np.empty(len(places))
    since[np.argsort(back)] = np.arange(1, len(places) + 1)
    told = np.flatnonzero(~np.isnan(watched))
    shares = np.full(len(places), np.nan)
    shares[np.searchsorted(places, items[told])] = watched[told]  # of several, the last stands
    return places, shares, since
