"""What is known of the items themselves, as columns; an item's place here is its place everywhere in `models/`."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

OPEN_BEGIN, OPEN_END = np.iinfo(np.int64).min, np.iinfo(np.int64).max


@dataclass(frozen=True)
class Items:
    """table: item_id (unique strings), creator_id, topics (the first is the main one), title, description, cast,
    language, year, kind, series_id, season, episode, duration_ms, available_from, available_until: the columns of
    `catalog.schema.ITEMS`, null where nobody knows. New items are put behind the others.
    """

    table: pa.Table

    def __len__(self) -> int:
        return self.table.num_rows

    @property
    def ids(self) -> np.ndarray:
        """Object array of str [items]."""
        return self.table["item_id"].to_numpy()

    def codes(self, column: str) -> tuple[np.ndarray, list[str]]:
        """int32 [items], the place of each value in the list that comes with it; -1 where it is null."""
        encoded = self.table[column].combine_chunks().dictionary_encode()
        return encoded.indices.fill_null(-1).to_numpy().astype(np.int32), encoded.dictionary.to_pylist()

    def known(self, column: str) -> bool:
        """Whether any item has a value there."""
        return self.table[column].null_count < self.table.num_rows

    @cached_property
    def creators(self) -> tuple[np.ndarray, list[str]]:
        """`codes` of the creators, kept for every request that follows."""
        return self.codes("creator_id")

    @cached_property
    def topics(self) -> tuple[np.ndarray, list[str]]:
        """int32 [items, most topics of an item], the place of each topic in the list that comes with it, in the item's
        own order, -1 behind its last one; kept for every request that follows."""
        lists = self.table["topics"].combine_chunks()
        encoded = pc.list_flatten(lists).dictionary_encode()
        parents = pc.list_parent_indices(lists).to_numpy()
        within = np.arange(len(parents)) - np.searchsorted(parents, parents)
        codes = np.full((len(self), max(int(within.max(initial=0)) + 1, 1)), -1, np.int32)
        codes[parents, within] = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
        return codes, encoded.dictionary.to_pylist()
