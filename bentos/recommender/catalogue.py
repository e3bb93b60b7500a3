"""The catalogue in memory: which items there are, which can be shown now, which are popular, and who proposes them.

It came with the promoted model, so it answers without Redis; `live` keeps it at what events have said since. An item's
place is its place in `models.items.Items`, for which the sources of candidates were fitted.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from models.items import OPEN_BEGIN, OPEN_END, Items
from models.on_air import instants
from models.recommender import Recommender
from models.retrieval.sources import Fitted

UNKNOWN = -1
LAST_INSTANT = 253_402_300_799_000_000  # the end of the year 9999, the last that a datetime can say
FILE = "catalog.parquet"


@dataclass(frozen=True)
class Catalogue:
    """Arrays are [items], in the items' places.

    sources: fitted for these items. item_ids: object array of str. places: item_id -> place.
    available_from, available_until: int64 us UTC, the type's ends where open. popularity: float64.
    started: bool, whether the last that was heard of an item is that it started. known: how many the model was fit
    with; the others are new.
    """

    items: Items
    sources: Fitted
    item_ids: np.ndarray
    places: dict[str, int]
    available_from: np.ndarray
    available_until: np.ndarray
    popularity: np.ndarray
    started: np.ndarray
    known: int

    def __len__(self) -> int:
        return len(self.item_ids)

    @cached_property
    def topics(self) -> dict[str, str]:
        """What any item is about, by its name in lower case."""
        return {name.casefold(): name for name in self.items.topics[1] if name is not None}

    @cached_property
    def share(self) -> np.ndarray:
        """float64 [items]: `popularity` brought to less than 1."""
        return self.popularity / (self.popularity.max(initial=0.0) + 1)

    def on_air(self, now_us: int) -> np.ndarray:
        """bool [items]: available_from <= now < available_until."""
        return (self.available_from <= now_us) & (now_us < self.available_until)

    def upcoming(self, now_us: int, most: int) -> np.ndarray:
        """Places of what cannot be watched yet but will be, the soonest first, at most `most`."""
        if not most:
            return np.zeros(0, np.int64)
        later = np.flatnonzero((self.available_from > now_us) & (self.available_from < self.available_until))
        return later[np.argsort(self.available_from[later], kind="stable")][:most]

    def newcomers(self, allowed: np.ndarray, most: int) -> np.ndarray:
        """Places of started items that the model has never seen, of those that are `allowed`, the newest first."""
        new = self.known + np.flatnonzero(allowed[self.known :] & self.started[self.known :])
        return new[np.argsort(-self.available_from[new], kind="stable")][:most]

    def begins(self, item_ids: list[str], now_us: int) -> list[int | None]:
        """When each item can be watched, us UTC, for those that cannot be yet; None for the others."""
        places = self.places_of(item_ids)
        begins = [now_us if place == UNKNOWN else int(self.available_from[place]) for place in places]
        return [min(begin, LAST_INSTANT) if begin > now_us else None for begin in begins]

    def places_of(self, item_ids: list[str]) -> np.ndarray:
        """int64 [n]: the place of each id, UNKNOWN where the catalogue does not have it. Bounded by the request."""
        return np.array([self.places.get(item_id, UNKNOWN) for item_id in item_ids], dtype=np.int64)

    def popularity_of(self, places: np.ndarray) -> np.ndarray:
        """float64 [n]; 0 for UNKNOWN."""
        return np.append(self.popularity, 0.0)[places]


def read_catalogue(folder: Path, recommender: Recommender) -> Catalogue:
    """Of a promoted model: its items, with the popularity and the times that were known at its promotion."""
    items, sources = recommender.items, recommender.sources
    if not (folder / FILE).exists():
        return catalogue_of(items, sources)
    told = pq.read_table(folder / FILE)
    rows = pc.index_in(items.table["item_id"].combine_chunks(), told["item_id"].cast(pa.string()).combine_chunks())
    return catalogue_of(items, sources, told["popularity"].combine_chunks().take(rows))


def catalogue_of(items: Items, sources: Fitted, popularity: pa.Array | None = None) -> Catalogue:
    """popularity: float64 [items], null or not finite where nobody knows; None: nothing is popular."""
    item_ids = items.ids.astype(object)
    if popularity is None:
        popularity = pa.nulls(len(items), pa.float64())
    finite = pc.if_else(pc.is_finite(popularity), popularity, 0.0).fill_null(0.0)
    return Catalogue(
        items=items, sources=sources, item_ids=item_ids,
        places={item_id: place for place, item_id in enumerate(item_ids.tolist())},
        available_from=instants(items, "available_from", OPEN_BEGIN),
        available_until=instants(items, "available_until", OPEN_END),
        popularity=finite.to_numpy(zero_copy_only=False).astype(np.float64),
        started=np.zeros(len(items), bool), known=len(items),
    )  # fmt: skip
