"""All sources there are; fitting, keeping and loading them as one."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from models.interactions import Interactions
from models.items import Items
from models.retrieval.again import Again
from models.retrieval.als import Als
from models.retrieval.autoencoder import Autoencoder
from models.retrieval.between import Between
from models.retrieval.content import Content
from models.retrieval.continue_watching import ContinueWatching
from models.retrieval.era import Era
from models.retrieval.followed import Followed
from models.retrieval.fresh import Fresh
from models.retrieval.item_item import ItemItem
from models.retrieval.near import Near
from models.retrieval.own_visits import Lately, Often
from models.retrieval.popular import Popular
from models.retrieval.precomputed import Precomputed
from models.retrieval.profile import Profile
from models.retrieval.rated import Rated
from models.retrieval.season import Season
from models.retrieval.sittings import Sittings
from models.retrieval.source import Source, StepsAside
from models.retrieval.titles import Titles
from models.retrieval.topic_taste import TopicTaste
from models.retrieval.transitions import Transitions
from models.retrieval.trending import Trending
from models.retrieval.up_next import UpNext
from models.retrieval.walks import Walks
from models.retrieval.watched_now import WatchedNow

ALL: tuple[type[Source], ...] = (
    Als, ItemItem, Sittings, Autoencoder, Between, UpNext, Near, Walks, Transitions, Content, Titles, TopicTaste, Era,
    Season, Rated, Profile, Again, Often, Lately, ContinueWatching, Followed, Trending, Popular, WatchedNow, Fresh,
    Precomputed,
)  # fmt: skip
INDEX = "sources.json"


@dataclass(frozen=True)
class Fitted:
    """sources: those that could be fitted, in the order of ALL. aside: name -> why a source has no part in it."""

    sources: tuple[Source, ...]
    aside: dict[str, str] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        return [source.name for source in self.sources]

    def only(self, names: Sequence[str]) -> "Fitted":
        """Those of these names, in the same order."""
        return replace(self, sources=tuple(source for source in self.sources if source.name in names))

    def extended(self, items: Items) -> "Fitted":
        """For a catalogue that has new items behind the old ones."""
        return replace(self, sources=tuple(source.extended(items) for source in self.sources))

    def save(self, folder: Path) -> None:
        """A folder for each source, and which there are."""
        for source in self.sources:
            (folder / source.name).mkdir(parents=True, exist_ok=True)
            source.save(folder / source.name)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / INDEX).write_text(json.dumps({"sources": self.names, "aside": self.aside}, indent=1))


def fit_all(acts: Interactions, items: Items, names: Sequence[str] | None = None) -> Fitted:
    """Every source, or those of `names`, fitted to the acts. ValueError for a name that no source has."""
    fitted: list[Source] = []
    aside: dict[str, str] = {}
    for kind in _kinds(names):
        try:
            fitted.append(kind.fit(acts, items))
        except StepsAside as reason:
            aside[kind.name] = str(reason)
    return Fitted(tuple(fitted), aside)


def load(folder: Path, items: Items) -> Fitted:
    """What `save` wrote. items: the catalogue that the sources were saved with, or one with new items behind it."""
    index = json.loads((folder / INDEX).read_text())
    sources = tuple(kind.load(folder / kind.name, items) for kind in _kinds(index["sources"]))
    return Fitted(sources, index["aside"])


def _kinds(names: Sequence[str] | None) -> list[type[Source]]:
    unknown = set(names or ()) - {kind.name for kind in ALL}
    if unknown:
        known = ", ".join(kind.name for kind in ALL)
        raise ValueError(f"no source of candidates is named {', '.join(sorted(unknown))}; there are {known}")
    return [kind for kind in ALL if names is None or kind.name in names]
