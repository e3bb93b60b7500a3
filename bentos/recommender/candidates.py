"""The catalogue in memory: which items can be shown now, which are popular, and which have a topic.

It came with the promoted model, so it answers without Redis; `live` keeps it at what events have said since.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

UNKNOWN = -1
LAST_INSTANT = 253_402_300_799_000_000  # the end of the year 9999, the last that a datetime can say
MOST_LIVE = 800  # candidates that are on air because they were started


@dataclass(frozen=True)
class Catalogue:
    """Items in descending popularity, ties by item_id; places are indexes into these arrays.

    item_ids: object array of str.
    available_from, available_until: int64 us UTC, the type's ends where open. popularity: float64.
    by_topic: topic -> places of the items that have it among their topics, most popular first.
    started: bool, whether the last that was heard of an item is that it started.
    """

    item_ids: np.ndarray
    available_from: np.ndarray
    available_until: np.ndarray
    popularity: np.ndarray
    by_topic: dict[str, np.ndarray]
    places: dict[str, int]
    started: np.ndarray

    def __len__(self) -> int:
        return len(self.item_ids)

    def on_air(self, now_us: int) -> np.ndarray:
        """bool [items]: available_from <= now < available_until."""
        return (self.available_from <= now_us) & (now_us < self.available_until)

    def popular(self, now_us: int, most: int) -> np.ndarray:
        """Places of the most popular items on air, at most `most`."""
        return np.flatnonzero(self.on_air(now_us))[:most]

    def candidates(self, now_us: int, topics: list[str], most: int) -> np.ndarray:
        """Places of what was started and is on air, the newest first, and then of at most `most` items on air: half of
        these the most popular of `topics` in equal shares, the rest the most popular of all."""
        on_air = self.on_air(now_us)
        share = -(-most // (2 * len(topics))) if topics else 0
        liked = [self._first(self.by_topic[topic], on_air, share) for topic in topics if topic in self.by_topic]
        chosen = _distinct(np.concatenate([*liked, np.zeros(0, np.int64)]))[: most // 2]
        chosen = _distinct(np.concatenate([chosen, np.flatnonzero(on_air)[:most]]))[:most]
        return _distinct(np.concatenate([self._live(on_air), chosen]))

    def upcoming(self, now_us: int, most: int) -> np.ndarray:
        """Places of what cannot be watched yet but will be, the soonest first, at most `most`."""
        later = np.flatnonzero((self.available_from > now_us) & (self.available_from < self.available_until))
        return later[np.argsort(self.available_from[later], kind="stable")][:most]

    def begins(self, item_ids: list[str], now_us: int) -> list[int | None]:
        """When each item can be watched, us UTC, for those that cannot be yet; None for the others."""
        places = self.places_of(item_ids)
        begins = [now_us if place == UNKNOWN else int(self.available_from[place]) for place in places]
        return [min(begin, LAST_INSTANT) if begin > now_us else None for begin in begins]

    def _live(self, on_air: np.ndarray) -> np.ndarray:
        places = np.flatnonzero(on_air & self.started)
        return places[np.argsort(-self.available_from[places], kind="stable")][:MOST_LIVE]

    def places_of(self, item_ids: list[str]) -> np.ndarray:
        """int64 [n]: the place of each id, UNKNOWN where the catalogue does not have it. Bounded by the request."""
        return np.array([self.places.get(item_id, UNKNOWN) for item_id in item_ids], dtype=np.int64)

    def popularity_of(self, places: np.ndarray) -> np.ndarray:
        """float64 [n]; 0 for UNKNOWN."""
        if not len(self):
            return np.zeros(len(places))
        return np.where(places == UNKNOWN, 0.0, self.popularity[places])

    @staticmethod
    def _first(places: np.ndarray, chosen: np.ndarray, most: int) -> np.ndarray:
        return places[chosen[places]][:most]


def read_catalogue(path: Path) -> Catalogue:
    """The `catalog.parquet` of a promoted model."""
    return catalogue_of(pq.read_table(path))


def catalogue_of(items: pa.Table) -> Catalogue:
    """items: item_id (unique), topics, available_from, available_until (us), popularity."""
    filled = pc.if_else(pc.is_finite(items["popularity"]), items["popularity"], 0.0).fill_null(0.0)
    items = items.set_column(items.schema.get_field_index("popularity"), "popularity", filled)
    items = items.sort_by([("popularity", "descending"), ("item_id", "ascending")]).combine_chunks()
    item_ids = items["item_id"].cast(pa.string()).to_numpy().astype(object)
    bounds = np.iinfo(np.int64)
    return Catalogue(
        item_ids=item_ids,
        available_from=_instants(items["available_from"], bounds.min),
        available_until=_instants(items["available_until"], bounds.max),
        popularity=items["popularity"].to_numpy().astype(np.float64),
        by_topic=_by_topic(items["topics"].combine_chunks()),
        places={item_id: place for place, item_id in enumerate(item_ids.tolist())},
        started=np.zeros(len(item_ids), bool),
    )


def _instants(column: pa.ChunkedArray, open_end: int) -> np.ndarray:
    return column.cast(pa.timestamp("us", tz="UTC")).cast(pa.int64()).fill_null(open_end).to_numpy()


def _by_topic(topics: pa.Array) -> dict[str, np.ndarray]:
    values = pc.list_flatten(topics).dictionary_encode()
    codes, items = values.indices.to_numpy(zero_copy_only=False), pc.list_parent_indices(topics).to_numpy()
    order = np.argsort(codes, kind="stable")
    parts = np.split(items[order], np.flatnonzero(np.diff(codes[order])) + 1) if len(codes) else []
    return {topic: _distinct(part) for topic, part in zip(values.dictionary.to_pylist(), parts, strict=True)}


def _distinct(places: np.ndarray) -> np.ndarray:
    """Each place once, in the order of first mention."""
    return places[np.sort(np.unique(places, return_index=True)[1])]
