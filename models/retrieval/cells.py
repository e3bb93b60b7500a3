"""The cells of some rows of a sparse matrix, without making a matrix of them."""

import numpy as np


def cells_of(bounds: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(places of the rows' cells int64 [n], row after row; how many each row has). bounds: the matrix's indptr."""
    begins = bounds[rows].astype(np.int64)
    lengths = bounds[rows + 1] - begins
    skipped = np.repeat(begins - np.concatenate([[0], np.cumsum(lengths)[:-1]]).astype(np.int64), lengths)
    return skipped + np.arange(len(skipped)), lengths
