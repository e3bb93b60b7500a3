"""The index proposes; what is allowed and what a score is are exact."""

import numpy as np
import pytest

from benchmarks.retrieve.curve import vectors_like_als
from models.retrieval import index
from models.retrieval.index import EXACT_UP_TO, Exact, Hnsw, index_of

ITEMS = 4_000
VECTORS, QUESTIONS = vectors_like_als(ITEMS, 5)
GRAPH = Hnsw(VECTORS)


def allowed(share: float) -> np.ndarray:
    return np.random.default_rng(2).random(ITEMS) < share


def test_few_vectors_are_all_looked_at():
    assert isinstance(index_of(VECTORS), Exact) and ITEMS <= EXACT_UP_TO


def test_beyond_that_there_is_an_index(monkeypatch):
    monkeypatch.setattr(index, "EXACT_UP_TO", ITEMS - 1)
    assert isinstance(index_of(VECTORS), Hnsw)


@pytest.mark.parametrize("share", [1.0, 0.5, 0.05, 0.002, 0.0])
def test_only_what_is_allowed_is_found_and_its_score_is_the_product(share):
    may = allowed(share)
    for question in QUESTIONS[:10]:
        found = GRAPH.find(question, may, 50)
        assert may[found.places].all() and len(np.unique(found.places)) == min(50, may.sum())
        np.testing.assert_allclose(found.scores, VECTORS[found.places] @ question, rtol=1e-4)
        np.testing.assert_array_equal(found.of(found.places), found.scores)
        assert (np.diff(found.scores) <= 0).all()


def test_it_finds_nearly_all_of_the_exact_answer():
    may = allowed(0.9)
    exact = [Exact(VECTORS).find(question, may, 100).places for question in QUESTIONS]
    found = [GRAPH.find(question, may, 100).places for question in QUESTIONS]
    shared = [len(np.intersect1d(one, other)) for one, other in zip(exact, found, strict=True)]
    assert np.mean(shared) > 95


def test_where_few_are_allowed_the_answer_is_exact():
    may = allowed(0.004)
    for question in QUESTIONS[:10]:
        want = Exact(VECTORS).find(question, may, 50)
        np.testing.assert_array_equal(GRAPH.find(question, may, 50).places, want.places)


def test_saved_and_opened_it_finds_the_same(tmp_path, monkeypatch):
    GRAPH.save(tmp_path)
    monkeypatch.setattr(index, "EXACT_UP_TO", 10)
    opened = index_of(VECTORS, tmp_path)
    for question in QUESTIONS[:10]:
        want, got = (one.find(question, allowed(0.8), 50) for one in (GRAPH, opened))
        np.testing.assert_array_equal(want.places, got.places)
        np.testing.assert_array_equal(want.scores, got.scores)


def test_an_index_of_more_vectors_is_refused(tmp_path):
    GRAPH.save(tmp_path)
    with pytest.raises(ValueError, match="expected at most 3,999 vectors, found 4,000 vectors; fit the sources again"):
        Hnsw(VECTORS[:-1], tmp_path)


def test_new_items_beyond_the_vectors_are_unknown_and_not_found():
    found = GRAPH.find(QUESTIONS[0], np.ones(ITEMS + 9, bool), 20)
    assert (found.places < ITEMS).all() and np.isnan(found.of(np.array([ITEMS + 2]))).all()


@pytest.mark.parametrize("kind", [Exact, Hnsw])
def test_vectors_that_came_since_are_found_at_once(kind):
    best = 50 * QUESTIONS[:1] / np.linalg.norm(QUESTIONS[0])
    more = np.concatenate([VECTORS, best.astype(np.float32)])
    grown = (GRAPH if kind is Hnsw else Exact(VECTORS)).extended(more)
    every = np.ones(ITEMS + 1, bool)
    found, before = (one.find(QUESTIONS[0], every, 20) for one in (grown, GRAPH))
    assert found.places[0] == ITEMS and found.places[1] == before.places[0]
    assert ITEMS not in grown.find(QUESTIONS[0], np.append(every[:-1], False), 20).places
