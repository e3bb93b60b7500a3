"""Which items have which values of a list column, as flat arrays: topics, cast."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


@dataclass(frozen=True)
class Listed:
    """One entry a value that an item has, each once. rows: int64 [n], ascending. codes: int64 [n], places in names."""

    rows: np.ndarray
    codes: np.ndarray
    names: dict[str, int]
    items: int

    def sums(self, of_names: np.ndarray) -> np.ndarray:
        """float64 [items]: for each item, `of_names`, float64 [names], summed over the values that it has."""
        return np.bincount(self.rows, of_names[self.codes], minlength=self.items)

    def counts(self, rows: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """float64 [names]: for each value, the weights of those of the `rows`, int64 [m], that have it."""
        of_items = np.bincount(rows, weights, minlength=self.items)
        return np.bincount(self.codes, of_items[self.rows], minlength=len(self.names))


def listed(column: pa.ChunkedArray) -> Listed:
    """column: lists of strings, null where nobody knows."""
    lists = column.combine_chunks().cast(pa.list_(pa.string()))
    values = lists.flatten().dictionary_encode()
    rows = pc.list_parent_indices(lists).to_numpy().astype(np.int64)
    known = values.indices.is_valid().to_numpy(zero_copy_only=False)
    size = max(1, len(values.dictionary))
    cells = np.unique(rows[known] * size + values.indices.drop_null().to_numpy())
    names = {name: code for code, name in enumerate(values.dictionary.to_pylist())}
    return Listed(cells // size, cells % size, names, len(lists))
