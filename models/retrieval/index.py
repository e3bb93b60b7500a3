"""The vectors that lie nearest to one by inner product: all of them looked at while that is fast, an index beyond.

An index (HNSW, Malkov & Yashunin 2018, by `usearch`) only proposes: scores are computed from the vectors, and whatever
is not allowed is never found. How much of the exact answer it finds is what `streamrank bench retrieve` measures.
"""

from copy import copy
from pathlib import Path
from threading import Lock
from typing import Protocol

import numpy as np

from models.retrieval.source import Found, best

EXACT_UP_TO = 150_000  # vectors of 64 numbers: there both take 2.5 ms; `streamrank bench retrieve` has the curve
CONNECTIVITY, BUILD_WIDTH = 32, 200
SPARE = 2  # times as many are taken from the index as are wanted
WIDEST = 8_192  # taken from the index at most, before all that is allowed is looked at
FILE = "index.usearch"


class Index(Protocol):
    def find(self, vector: np.ndarray, allowed: np.ndarray, most: int) -> Found:
        """The best `most` of the `allowed`, bool [items or more], by inner product with `vector`, float32 [d]."""

    def extended(self, vectors: np.ndarray) -> "Index":
        """Of the same vectors and further ones behind them, at once."""

    def save(self, folder: Path) -> None:
        """Writes what would take long to build again; the vectors are the caller's."""


def index_of(vectors: np.ndarray, folder: Path | None = None) -> Index:
    """Of vectors, float32 [items, d] in C order, a row an item's place. folder: where an index of them was saved."""
    return Exact(vectors) if len(vectors) <= EXACT_UP_TO else Hnsw(vectors, folder)


class Exact:
    """Looks at every vector."""

    def __init__(self, vectors: np.ndarray) -> None:
        self._vectors = vectors

    def find(self, vector: np.ndarray, allowed: np.ndarray, most: int) -> Found:
        return best(self._vectors @ vector, allowed, most)

    def extended(self, vectors: np.ndarray) -> "Exact":
        return Exact(vectors)

    def save(self, folder: Path) -> None:
        """There is nothing to keep."""


class Hnsw:
    """Looks at some thousands of vectors, however many there are, and at all that came since it was built."""

    def __init__(self, vectors: np.ndarray, folder: Path | None = None) -> None:
        self._vectors, self._lock = vectors, Lock()  # usearch's working memory is not one thread's alone
        stored = folder is not None and (folder / FILE).exists()
        self._graph = _read(folder / FILE, len(vectors)) if stored else _built(vectors)

    def extended(self, vectors: np.ndarray) -> "Hnsw":
        grown = copy(self)
        grown._vectors = vectors
        return grown

    def find(self, vector: np.ndarray, allowed: np.ndarray, most: int) -> Found:
        allowed = allowed[: len(self._vectors)]
        places = self._near(vector, allowed, min(most, np.count_nonzero(allowed)))
        scores = self._of(vector, places)
        order = np.lexsort((places, -scores))[:most]
        return Found(places[order], scores[order], lambda asked: self._known(vector, asked))

    def save(self, folder: Path) -> None:
        self._graph.save(str(folder / FILE))

    def _near(self, vector: np.ndarray, allowed: np.ndarray, wanted: int) -> np.ndarray:
        """At least `wanted` of the allowed: more and more from the index, all there are when that is not enough."""
        since = len(self._graph) + np.flatnonzero(allowed[len(self._graph) :])
        share = np.count_nonzero(allowed) / len(allowed)
        taken = int(SPARE * wanted / max(share, 1e-9))
        while 0 < taken <= WIDEST:
            with self._lock:
                places = self._graph.search(vector, taken, threads=1).keys.astype(np.int64)
            places = np.concatenate([places[allowed[places]], since])
            if len(places) >= wanted:
                return places
            taken *= 4
        return np.flatnonzero(allowed)

    def _of(self, vector: np.ndarray, places: np.ndarray) -> np.ndarray:
        """Each by itself: the same bits whichever others are asked with it, which a matrix product does not promise."""
        return np.einsum("ij,j->i", self._vectors[places], vector)

    def _known(self, vector: np.ndarray, asked: np.ndarray) -> np.ndarray:
        scores, known = np.full(len(asked), np.nan, np.float32), asked < len(self._vectors)
        scores[known] = self._of(vector, asked[known])
        return scores


def _built(vectors: np.ndarray):
    """On one thread, so that the same vectors give the same index."""
    from usearch.index import Index as Graph

    graph = Graph(
        ndim=vectors.shape[1], metric="ip", dtype="f16",
        connectivity=CONNECTIVITY, expansion_add=BUILD_WIDTH, expansion_search=BUILD_WIDTH,
    )  # fmt: skip
    graph.add(np.arange(len(vectors)), vectors, threads=1)
    return graph


def _read(path: Path, expected: int):
    """ValueError where it holds more vectors; those that it lacks came since."""
    from usearch.index import Index as Graph

    graph = Graph.restore(str(path), view=True)
    if graph is None or len(graph) > expected:
        found = "nothing that usearch reads" if graph is None else f"{len(graph):,} vectors"
        raise ValueError(f"{path}: expected at most {expected:,} vectors, found {found}; fit the sources again")
    graph.expansion_search = BUILD_WIDTH  # is not kept in the file
    return graph
