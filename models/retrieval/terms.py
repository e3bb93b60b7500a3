"""Items as weighted terms: their topics, creator, cast, language, and the words of title and description (TF-IDF).

A term belongs to a field, so that a creator is not mistaken for a word. Of each field an item has a vector of length 1.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy.sparse import csr_array

from models.items import Items

FIELDS = ("topics", "creator_id", "cast", "language", "words")
BETWEEN_WORDS = r"[^\p{L}\p{N}]+"
LEAST_ITEMS = 2  # that must share a term, for it to tell anything
MOST_TERMS = 50_000


@dataclass(frozen=True)
class Terms:
    """names: string [terms], ascending, the field's number and the term. fields: int64 [terms], places in FIELDS.
    idf: float64 [terms], ln((1 + items) / (1 + items that have it)) + 1.
    """

    names: pa.Array
    idf: np.ndarray

    def __len__(self) -> int:
        return len(self.names)

    @property
    def fields(self) -> np.ndarray:
        return pc.utf8_slice_codeunits(self.names, 0, 1).cast(pa.int64()).to_numpy()

    def places(self, field: str) -> dict[str, int]:
        """The terms of this field, without its number, and where they are."""
        own = np.flatnonzero(self.fields == FIELDS.index(field))
        values = pc.utf8_slice_codeunits(self.names.take(pa.array(own)), 2)
        return dict(zip(values.to_pylist(), own.tolist(), strict=True))

    def matrix(self, items: Items) -> csr_array:
        """float32 [items, terms]: 1 + ln(how often) times idf, over the length of the item's vector of that field."""
        rows, named = _occurrences(items)
        known = pc.index_in(named, value_set=self.names)
        kept = known.is_valid().to_numpy(zero_copy_only=False)
        cells, counts = np.unique(rows[kept] * len(self) + known.drop_null().to_numpy(), return_counts=True)
        rows, terms = np.divmod(cells, max(1, len(self)))
        values = (1 + np.log(counts)) * self.idf[terms]
        blocks = rows * len(FIELDS) + self.fields[terms]
        lengths = np.sqrt(np.bincount(blocks, values**2))
        shape = (len(items), len(self))
        return csr_array(((values / lengths[blocks]).astype(np.float32), (rows, terms)), shape=shape)


def terms_of(items: Items) -> Terms:
    """The terms that at least LEAST_ITEMS items share, at most MOST_TERMS, those of the most items first."""
    rows, named = _occurrences(items)
    numbered = named.dictionary_encode()
    codes = numbered.indices.to_numpy().astype(np.int64)
    cells = np.unique(rows * max(1, len(numbered.dictionary)) + codes) % max(1, len(numbered.dictionary))
    shared = np.bincount(cells, minlength=len(numbered.dictionary))
    kept = np.flatnonzero(shared >= LEAST_ITEMS)
    kept = kept[np.argsort(-shared[kept], kind="stable")[:MOST_TERMS]]
    names = numbered.dictionary.take(pa.array(kept))
    order = pc.sort_indices(names)
    idf = np.log((1 + len(items)) / (1 + shared[kept])) + 1
    return Terms(names.take(order), idf[order.to_numpy()])


def _occurrences(items: Items) -> tuple[np.ndarray, pa.Array]:
    """(rows int64 [n], named terms string [n]): every term of every item, as often as it has it."""
    table = items.table
    text = pc.binary_join_element_wise(
        table["title"].cast(pa.string()), table["description"].cast(pa.string()), " ",
        null_handling="replace", null_replacement="",
    )  # fmt: skip
    parts = [
        ("topics", _of_lists(table["topics"])),
        ("creator_id", _of_values(table["creator_id"])),
        ("cast", _of_lists(table["cast"])),
        ("language", _of_values(table["language"])),
        ("words", _of_lists(pc.split_pattern_regex(pc.utf8_lower(text), BETWEEN_WORDS))),
    ]
    rows = np.concatenate([rows for _, (rows, _) in parts])
    return rows, pa.concat_arrays([_named(values, field) for field, (_, values) in parts])


def _of_lists(column: pa.ChunkedArray) -> tuple[np.ndarray, pa.Array]:
    lists = column.combine_chunks()
    if pa.types.is_null(lists.type):
        return np.zeros(0, np.int64), pa.array([], pa.string())
    values = lists.flatten().cast(pa.string())
    rows = pc.list_parent_indices(lists).to_numpy().astype(np.int64)
    told = pc.greater(pc.utf8_length(values).fill_null(0), 0)
    return rows[told.to_numpy(zero_copy_only=False)], values.filter(told)


def _of_values(column: pa.ChunkedArray) -> tuple[np.ndarray, pa.Array]:
    values = column.combine_chunks().cast(pa.string())
    return np.flatnonzero(values.is_valid().to_numpy(zero_copy_only=False)), values.drop_null()


def _named(values: pa.Array, field: str) -> pa.Array:
    return pc.binary_join_element_wise(str(FIELDS.index(field)), values, ":")
