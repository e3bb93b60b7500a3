"""What a nightly run found for each user: read like any other feature, and used while it is fresh."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models.interactions import Interactions
from models.items import Items
from models.retrieval.merging import merged
from models.retrieval.side_by_side import ask
from models.retrieval.some import among
from models.retrieval.source import NOTHING, Found, Source
from models.viewer import Moment, Viewer
from streamrank.clock import HOUR

FRESH = 36 * HOUR  # a night may fail without a gap
MOST = 200


@dataclass(frozen=True)
class Precomputed:
    """Knows nothing of its own: the candidates come with the viewer."""

    name: str = "precomputed"

    @classmethod
    def fit(cls, acts: Interactions, items: Items) -> "Precomputed":
        return cls()

    def find(self, viewer: Viewer, moment: Moment, allowed: np.ndarray, most: int) -> Found:
        if viewer.proposed_at is None or not 0 <= moment.now_us - viewer.proposed_at < FRESH:
            return NOTHING
        order = np.argsort(viewer.proposed, kind="stable")
        return among(viewer.proposed[order], viewer.proposed_scores[order].astype(np.float32), allowed, most)

    def extended(self, items: Items) -> "Precomputed":
        return self

    def save(self, folder: Path) -> None:
        """There is nothing to keep."""

    @classmethod
    def load(cls, folder: Path, items: Items) -> "Precomputed":
        return cls()


def candidates(
    sources: Sequence[Source], viewers: Iterable[Viewer], moment: Moment, most: int = MOST
) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """(user_id, places int64 [n], scores float32 [n] falling) of each viewer: the best of all sources.

    For the nightly run, as the feature `user_candidates`; viewers are taken one by one, so they may be any number. What
    is not on air tonight may be tomorrow: everything is allowed but what the viewer hid. A score is 1 / rank, for want
    of a unit that all sources have in common. `Precomputed` itself is not asked.
    """
    asked = [source for source in sources if source.name != Precomputed.name]
    names = [source.name for source in asked]
    for viewer in viewers:
        allowed = np.ones(len(moment.on_air), bool)
        allowed[viewer.hidden[viewer.hidden < len(allowed)]] = False
        found = ask(asked, viewer, moment, allowed, most).found
        places = merged(found, names, most).places
        yield viewer.user_id, places, (1 / np.arange(1, len(places) + 1)).astype(np.float32)
