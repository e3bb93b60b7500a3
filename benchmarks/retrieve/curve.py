"""A side: the best 200 by inner product among more and more vectors, all looked at, and by the index."""

import numpy as np

from benchmarks.retrieve.asking import MOST, Watch, one_core
from benchmarks.spent import spending
from models.retrieval.index import EXACT_UP_TO, Exact, Hnsw

FACTORS, TASTES, QUESTIONS = 64, 200, 100
ALLOWED = 0.9  # of the items, are on air


def searched(items: int, index: bool, seed: int = 3) -> dict:
    """exact, index: latencies; ours: of the one that `index_of` takes. recall_at_200: the share of the exact answer
    that the index finds."""
    one_core()
    vectors, questions = vectors_like_als(items, seed)
    allowed = np.random.default_rng(seed).random(items) < ALLOWED
    exact, right = _timed(Exact(vectors), questions, allowed)
    figures = {"items": items, "exact": exact, "limit": _limit(vectors, questions)}
    if not index:
        return figures | {"ours": exact}
    with spending() as build:
        graph = Hnsw(vectors)
    by_index, found = _timed(graph, questions, allowed)
    shared = [len(np.intersect1d(one, other)) / MOST for one, other in zip(right, found, strict=True)]
    told = {"recall_at_200": round(float(np.mean(shared)), 4), "build": build.figures()}
    return figures | {"index": by_index, "ours": exact if items <= EXACT_UP_TO else by_index} | told


def vectors_like_als(items: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(vectors float32 [items, FACTORS], questions [QUESTIONS, FACTORS]): items around TASTES, their lengths lognormal
    as those of items of unequal popularity are; a question is a mean of some items of three tastes."""
    random = np.random.default_rng(seed)
    tastes = random.normal(size=(TASTES, FACTORS)).astype(np.float32)
    own = random.integers(TASTES, size=items)
    noise = random.standard_normal((items, FACTORS), np.float32)
    vectors = (tastes[own] + 0.5 * noise) * random.lognormal(-3, 1.2, (items, 1)).astype(np.float32)
    liked = tastes[random.integers(TASTES, size=(QUESTIONS, 3))] * random.random((QUESTIONS, 3, 1), np.float32)
    return vectors, liked.sum(axis=1) + 0.2 * random.standard_normal((QUESTIONS, FACTORS), np.float32)


def _timed(index: Exact | Hnsw, questions: np.ndarray, allowed: np.ndarray) -> tuple[dict, list[np.ndarray]]:
    watch, found = Watch(), []
    for question in questions:
        with watch:
            answer = index.find(question, allowed, MOST)
        found.append(answer.places)
    return watch.figures(1), found


def _limit(vectors: np.ndarray, questions: np.ndarray) -> dict[str, float]:
    watch = Watch()
    for question in questions:
        with watch:
            np.argpartition(-(vectors @ question), MOST)[:MOST]
    return watch.figures(1)
