"""Which topics a viewer comes to more often than others do. It proposes nothing: it says of what others found how much
of the viewer's taste it is, where `content` would put what everybody likes before what is special to them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from scipy.sparse import csr_array

from models.interactions import Interactions
from models.items import Items
from models.retrieval.cells import cells_of
from models.retrieval.lift import lifts
from models.retrieval.liking import liking
from models.retrieval.said import said_of
from models.retrieval.source import NOTHING, Found, StepsAside
from models.viewer import Moment, Viewer


@dataclass(frozen=True)
class TopicTaste:
    """topics: names. shares: float64 [topics], of everybody's acts. of_items: float64 [items, topics], 1 / the number
    of an item's topics in each of them."""

    topics: pa.Array
    shares: np.ndarray
    of_items: csr_array
    name: str = "topic_taste"

    @classmethod
    def fit(cls, acts: Interactions, items: Items) -> "TopicTaste":
        """StepsAside where fewer than two topics are acted on."""
        topics = items.table["topics"].combine_chunks().flatten().drop_null().unique().sort()
        of_items = _of_items(topics, items)
        counts = np.bincount(acts.items, minlength=len(items)) @ (of_items > 0).astype(np.float64)
        if np.count_nonzero(counts) < 2:
            raise StepsAside("topic_taste: needs acts on items of at least two topics")
        return cls(topics, (counts + 1) / (len(acts) + len(topics)), of_items)

    def find(self, viewer: Viewer, moment: Moment, allowed: np.ndarray, most: int) -> Found:
        places, _ = liking(viewer, self.of_items.shape[0])
        if not len(places):
            return NOTHING
        cells, _ = cells_of(self.of_items.indptr, places)
        own = np.bincount(self.of_items.indices[cells], minlength=len(self.shares)).astype(np.float64)
        lifted = lifts(own, self.shares, len(places))
        return said_of(lambda asked: self._mean(lifted, asked), self.of_items.shape[0])

    def _mean(self, lifted: np.ndarray, places: np.ndarray) -> np.ndarray:
        """float64 [n]: of the topics of each item; NaN for one without."""
        cells, lengths = cells_of(self.of_items.indptr, places)
        told = self.of_items.data[cells] * lifted[self.of_items.indices[cells]]
        sums = np.bincount(np.repeat(np.arange(len(places)), lengths), told, minlength=len(places))
        return np.where(lengths > 0, sums, np.nan)

    def extended(self, items: Items) -> "TopicTaste":
        """With the topics of the new items, of those that were known."""
        return TopicTaste(self.topics, self.shares, _of_items(self.topics, items))

    def save(self, folder: Path) -> None:
        pq.write_table(pa.table({"topic": self.topics, "share": self.shares}), folder / "topic_taste.parquet")

    @classmethod
    def load(cls, folder: Path, items: Items) -> "TopicTaste":
        stored = pq.read_table(folder / "topic_taste.parquet").combine_chunks()
        topics = stored["topic"].combine_chunks()
        return cls(topics, stored["share"].to_numpy(), _of_items(topics, items))


def _of_items(topics: pa.Array, items: Items) -> csr_array:
    column = items.table["topics"].combine_chunks()
    rows = pc.list_parent_indices(column).to_numpy()
    columns = pc.index_in(column.flatten(), topics).fill_null(-1).to_numpy()
    known = columns >= 0
    cells = csr_array((np.ones(known.sum()), (rows[known], columns[known])), shape=(len(items), len(topics)))
    sizes = np.maximum(np.diff(cells.indptr), 1)
    return csr_array((np.repeat(1 / sizes, np.diff(cells.indptr)), cells.indices, cells.indptr), shape=cells.shape)
