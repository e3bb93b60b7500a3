"""Which values of a list column each item has: topics, cast."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from models.retrieval.cells import cells_of


@dataclass(frozen=True)
class Listed:
    """codes: int64 [n], places in names, item after item, of one item each once. bounds: int64 [items + 1], where the
    codes of each item begin."""

    codes: np.ndarray
    bounds: np.ndarray
    names: dict[str, int]

    @property
    def items(self) -> int:
        return len(self.bounds) - 1

    def sums(self, of_names: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """float64 [m]: for each of the items `rows`, `of_names`, float64 [names], summed over the values it has."""
        cells, lengths = cells_of(self.bounds, rows)
        return np.bincount(np.repeat(np.arange(len(rows)), lengths), of_names[self.codes[cells]], minlength=len(rows))

    def counts(self, rows: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """float64 [names]: for each value, the weights of those of the items `rows`, int64 [m], that have it."""
        cells, lengths = cells_of(self.bounds, rows)
        return np.bincount(self.codes[cells], np.repeat(weights, lengths), minlength=len(self.names))


def listed(column: pa.ChunkedArray) -> Listed:
    """column: lists of strings, null where nobody knows."""
    lists = column.combine_chunks().cast(pa.list_(pa.string()))
    values = lists.flatten().dictionary_encode()
    rows = pc.list_parent_indices(lists).to_numpy().astype(np.int64)
    known = values.indices.is_valid().to_numpy(zero_copy_only=False)
    size = max(1, len(values.dictionary))
    rows, codes = np.divmod(np.unique(rows[known] * size + values.indices.drop_null().to_numpy()), size)
    names = {name: code for code, name in enumerate(values.dictionary.to_pylist())}
    return Listed(codes, np.searchsorted(rows, np.arange(len(lists) + 1)), names)
