"""A recommender as one thing that is stored and served: sources of candidates, ranker, re-ranking, and their items.

Its folder holds the ranker's own files, `retrieval/` (the fitted sources), `items.parquet` (the items in the order of
their places), `rerank.json` (settings of the steps) and `recommender.json` (what else there is to know).
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from models.items import Items
from models.on_air import OnAir
from models.ranker import Ranker
from models.rerank.steps import RerankSettings
from models.retrieval.merging import SOURCE_FEATURES
from models.retrieval.sources import Fitted, load
from models.retrieval.trending import Trending
from models.viewer import Moment, Viewer

FOUND_BY = SOURCE_FEATURES([])[-1]  # a column that is of all sources together
ABOUT, RERANK, ITEMS, RETRIEVAL = "recommender.json", "rerank.json", "items.parquet", "retrieval"


@dataclass(frozen=True)
class Recommender:
    """sources: of candidates. feast_features, source_features: the columns that the ranker takes, in this order, the
    former from the feature service `service`; either may be empty. rerank: settings of the steps of re-ranking.
    seen_leaves: whether what a viewer acted on is not shown again. chosen: what was kept and why, as JSON.
    """

    items: Items
    sources: Fitted
    ranker: Ranker
    feast_features: tuple[str, ...] = ()
    source_features: tuple[str, ...] = ()
    service: str = "ranker"
    rerank: RerankSettings = field(default_factory=RerankSettings)
    seen_leaves: bool = True
    on_air: OnAir = field(default_factory=OnAir)
    chosen: dict[str, Any] = field(default_factory=dict)

    @property
    def features(self) -> list[str]:
        """The columns of the ranker's matrix, in order."""
        return [*self.feast_features, *self.source_features]

    @property
    def names(self) -> list[str]:
        """The sources, in the order of their features, with those the ranker knows and that stepped aside since."""
        own = (name.removesuffix("_score").removesuffix("_rank") for name in self.source_features)
        return list(dict.fromkeys([*self.sources.names, *(name for name in own if name != FOUND_BY)]))

    @property
    def half_life(self) -> float | None:
        """Of `Moment.recent`, as the ranker knows it; None without trends among the sources."""
        return next((source.half_life for source in self.sources.sources if isinstance(source, Trending)), None)

    def taken(self, features: np.ndarray) -> np.ndarray:
        """Of what sources say, float32 [n, SOURCE_FEATURES(names)], the columns that the ranker takes."""
        every = SOURCE_FEATURES(self.names)
        return features[:, [every.index(name) for name in self.source_features]]

    def allowed(self, viewer: Viewer, moment: Moment) -> np.ndarray:
        """bool [items of the moment]: on air, not hidden, and where `seen_leaves` not acted on."""
        return allowed(viewer, moment, self.seen_leaves)

    def save(self, folder: Path) -> None:
        """Writes everything into `folder`."""
        folder.mkdir(parents=True, exist_ok=True)
        self.ranker.save(folder)
        self.sources.save(folder / RETRIEVAL)
        pq.write_table(self.items.table, folder / ITEMS)
        (folder / RERANK).write_text(self.rerank.as_json())
        (folder / ABOUT).write_text(json.dumps(self._about(), indent=1) + "\n")

    @classmethod
    def load(cls, folder: Path | str) -> "Recommender":
        """What `save` wrote. FileNotFoundError where the folder holds none, as that of a ranker alone."""
        folder = Path(folder)
        about = json.loads((folder / ABOUT).read_text())
        items = Items(pq.read_table(folder / ITEMS).combine_chunks())
        return cls(
            items=items, sources=load(folder / RETRIEVAL, items),
            ranker=Ranker.load(folder),
            feast_features=tuple(about.pop("feast_features")), source_features=tuple(about.pop("source_features")),
            rerank=RerankSettings.from_json((folder / RERANK).read_text()),
            on_air=OnAir(**about.pop("on_air")), **about,
        )  # fmt: skip

    def _about(self) -> dict[str, Any]:
        return {
            "feast_features": self.feast_features,
            "source_features": self.source_features, "service": self.service, "seen_leaves": self.seen_leaves,
            "on_air": {"hours": self.on_air.hours}, "chosen": self.chosen,
        }  # fmt: skip


def allowed(viewer: Viewer, moment: Moment, seen_leaves: bool) -> np.ndarray:
    """What may be shown to a viewer, bool [items of the moment]."""
    found = moment.on_air.copy()
    found[viewer.hidden] = False
    if seen_leaves:
        found[viewer.items] = False
    return found
