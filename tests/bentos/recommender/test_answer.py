"""The items of an answer: each with the probability of its slot, and whether that was drawn to learn how it does."""

import numpy as np
import pytest
from reranked import context, in_order, items, seeded

from bentos.recommender import answer
from bentos.recommender.api import api_of
from bentos.recommender.query import Ranked, Stages
from catalog.dataset import Manifest
from models.rerank.exploration import Exploration

API = api_of(Manifest("any", "files"))
ROWS, K = 20, 10


@pytest.mark.parametrize("explain", [False, True])
def test_an_explored_item_says_so_whether_reasons_are_asked_for_or_not(explain):
    drawn = Exploration(0.2, "epsilon").apply(in_order(ROWS), seeded(context(items([None] * ROWS), K), 3))
    propensity = np.full(ROWS, np.nan)
    propensity[drawn.places] = drawn.propensity
    stages = Stages(("als",), np.ones((ROWS, 1)), np.arange(1, ROWS + 1), propensity, drawn.changes)
    ids = np.array([f"i{place}" for place in drawn.places], dtype=object)
    ranked = Ranked(ids, drawn.scores, drawn.places, None, stages=stages)
    shown = answer.items(API, ranked, [None] * K, explain)
    kept = {f"i{place}" for place in range(K - 2)}
    assert [item.item_id for item in shown if item.explored] == [i.item_id for i in shown if i.item_id not in kept]
    assert sum(item.explored for item in shown) == 2
    assert [item.propensity for item in shown] == drawn.propensity[:K].tolist()


def test_a_fallback_says_nothing_of_it():
    ids = np.array(["a", "b"], dtype=object)
    shown = answer.items(API, Ranked(ids, np.array([2.0, 1.0]), np.arange(2), "unknown_user"), [None] * 2, True)
    assert {(item.propensity, item.explored) for item in shown} == {(None, False)}
