"""Linear models from item to item, fitted to any rows of items that go together: users, or their sittings.

Where items are few it is EASE (Steck 2019, "Embarrassingly shallow autoencoders for sparse data"), a ridge regression
of each item on all others in closed form. Beyond DENSE items that matrix is too large to hold and to invert, and the
nearest items by cosine take its place (Sarwar et al. 2001), NEIGHBOURS of each.
"""

from pathlib import Path

import numpy as np
from implicit.nearest_neighbours import all_pairs_knn
from scipy.linalg import lapack
from scipy.sparse import csr_array, csr_matrix
from threadpoolctl import threadpool_limits

from models.retrieval.cells import cells_of

DENSE = 5_000  # items; 100 MB
NEIGHBOURS = 200
Weights = np.ndarray | csr_array


def linear(rows: csr_array, ridge: float) -> Weights:
    """float32 [items, items], dense or sparse: what the row's item says for the column's item, 0 for itself.

    rows: float32 [rows, items], the square root of how much a row counts where it has the item. ridge: in rows.
    """
    return _ease(rows, ridge) if rows.shape[1] <= DENSE else _neighbours(rows)


def summed(weights: Weights, places: np.ndarray) -> np.ndarray:
    """float32 [items]: the sum of the rows of `places`."""
    if isinstance(weights, np.ndarray):
        return np.asarray(weights[places].sum(axis=0), np.float32)
    cells, _ = cells_of(weights.indptr, places)
    return np.bincount(weights.indices[cells], weights.data[cells], minlength=weights.shape[1]).astype(np.float32)


def save(weights: Weights, file: Path) -> None:
    """Writes one .npz."""
    if isinstance(weights, np.ndarray):
        np.savez(file, dense=weights)
    else:
        np.savez(file, **{name: getattr(weights, name) for name in ("data", "indices", "indptr")})


def load(file: Path) -> Weights:
    """What `save` wrote."""
    with np.load(file, allow_pickle=False) as stored:
        if "dense" in stored:
            return stored["dense"]
        size = len(stored["indptr"]) - 1
        return csr_array((stored["data"], stored["indices"], stored["indptr"]), shape=(size, size))


def nearest(pairs: csr_array) -> csr_array:
    """The NEIGHBOURS greatest of each row, and those that equal the last of them. pairs: float32, none below 0."""
    rows = np.repeat(np.arange(pairs.shape[0]), np.diff(pairs.indptr))
    falling = np.uint64(0xFFFFFFFF) - pairs.data.view(np.uint32)  # bits of floats above 0 are ordered as they are
    keys = (rows.astype(np.uint64) << np.uint64(32)) | falling
    ordered, filled = np.sort(keys), np.flatnonzero(np.diff(pairs.indptr))
    last = np.zeros(pairs.shape[0], np.uint64)
    last[filled] = ordered[np.minimum(pairs.indptr[filled] + NEIGHBOURS, pairs.indptr[filled + 1]) - 1]
    kept = keys <= last[rows]
    return csr_array((pairs.data[kept], (rows[kept], pairs.indices[kept])), shape=pairs.shape)


def _ease(rows: csr_array, ridge: float) -> np.ndarray:
    """-P / diag(P) outside the diagonal, where P = inverse(rows' rows + ridge)."""
    gram = (rows.T @ rows).toarray().astype(np.float64)
    gram[np.diag_indices_from(gram)] += ridge
    with threadpool_limits(1, "blas"):  # the same bits whatever the machine
        factor, _ = lapack.dpotrf(gram, lower=1, overwrite_a=1)
        inverse, _ = lapack.dpotri(factor, lower=1, overwrite_c=1)
    inverse = np.tril(inverse) + np.tril(inverse, -1).T
    weights = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0)
    return weights.astype(np.float32)


def _neighbours(rows: csr_array) -> csr_array:
    """Cosine of the items' columns, the NEIGHBOURS nearest of each, itself left out."""
    lengths = np.sqrt(np.bincount(rows.indices, rows.data.astype(np.float64) ** 2, minlength=rows.shape[1]))
    scaled = csr_matrix((rows.data / lengths[rows.indices], rows.indices, rows.indptr), shape=rows.shape)
    near = csr_matrix(all_pairs_knn(scaled, NEIGHBOURS + 1, show_progress=False))
    near.setdiag(0)
    near.eliminate_zeros()
    near.sort_indices()
    return csr_array(near, dtype=np.float32)
