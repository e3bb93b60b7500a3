"""The vectors that lie nearest to one by inner product: all of them looked at while that is fast, an index beyond."""

from typing import Protocol

import numpy as np

from models.retrieval.source import Found, best

EXACT_UP_TO = 100_000  # vectors; `streamrank bench retrieve` measures both sides of it


class Index(Protocol):
    def find(self, vector: np.ndarray, allowed: np.ndarray, most: int) -> Found:
        """The best `most` of the `allowed`, bool [items], by inner product with `vector`, float32 [d]. Whatever is not
        allowed is never found, and no score is an estimate."""

    def save(self, path) -> None: ...


class Exact:
    def __init__(self, vectors: np.ndarray) -> None:
        self.vectors = vectors

    def find(self, vector: np.ndarray, allowed: np.ndarray, most: int) -> Found:
        return best(self.vectors @ vector, allowed, most)


def index_of(vectors: np.ndarray) -> Exact:
    """vectors: float32 [items, d], C order; the row is the item's place."""
    return Exact(vectors)
