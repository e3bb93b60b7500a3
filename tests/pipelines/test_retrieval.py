"""What would have been a candidate stands before what would not."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models.retrieval.merging import merged
from models.retrieval.source import Found
from pipelines import retrieval
from pipelines.retrieval import as_served

NAMES = ["a", "b"]


@given(st.lists(st.permutations(range(12)), min_size=2, max_size=2), st.integers(0, 12), st.integers(0, 12), st.data())
def test_those_that_sources_propose_together_come_first_in_the_order_of_their_scores(lists, first, second, data):
    lists = [np.array(places[:count], np.int64) for places, count in zip(lists, (first, second), strict=True)]
    found = {
        name: Found(places, -np.arange(len(places), dtype=np.float32), lambda some: np.zeros(len(some), np.float32))
        for name, places in zip(NAMES, lists, strict=True)
    }
    every = np.tile(np.arange(12), 2)
    columns = retrieval.features_of(found, NAMES, every)
    scores = np.array(data.draw(st.lists(st.integers(-5, 5), min_size=24, max_size=24)), np.float32)
    served = as_served(scores, columns, np.repeat([4, 9], 12))
    candidates = np.isin(every, merged(found, NAMES, retrieval.FOUND).places)
    np.testing.assert_array_equal(served[candidates], scores[candidates])
    if candidates.any() and not candidates.all():
        assert served[~candidates].max() < served[candidates].min()
        np.testing.assert_array_equal(np.argsort(served[~candidates]), np.argsort(scores[~candidates]))


def test_no_more_than_are_found_together_are_candidates(monkeypatch):
    monkeypatch.setattr(retrieval, "FOUND", 3)
    ranks = np.array([[1.0], [2], [3], [4], [np.nan]], np.float32)
    columns = np.hstack([ranks, ranks, np.ones((5, 1), np.float32)])
    served = as_served(np.arange(5, dtype=np.float32), columns, np.zeros(5, int))
    assert served.tolist()[:3] == [0, 1, 2] and served[3] < served[4] < 0
