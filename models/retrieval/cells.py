"""The cells of some rows of a sparse matrix, without making a matrix of them."""

import numpy as np


def cells_of(bounds: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(places of the rows' cells int64 [n], row after row; how many each row has). bounds: the matrix's indptr."""
    begins = bounds[rows].astype(np.int64)
    return ranges(begins, bounds[rows + 1])


def ranges(begins: np.ndarray, ends: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(all places from each begin to before its end, int64 [n], range after range; how many each range has)."""
    lengths = ends - begins
    skipped = np.repeat(begins - np.concatenate([[0], np.cumsum(lengths)[:-1]]).astype(np.int64), lengths)
    return skipped + np.arange(len(skipped)), lengths
