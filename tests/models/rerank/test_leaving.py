import numpy as np
from reranked import context, in_order, items

from models.rerank.hidden import Hidden
from models.rerank.seen import Seen
from models.viewer import Viewer

CATALOGUE = items([None] * 6)


def test_what_was_acted_on_or_picked_leaves_and_the_rest_keeps_its_order():
    viewer = Viewer("u", items=np.array([3, 0, 3]), picked=np.array([4]))
    found = Seen().apply(in_order(5), context(CATALOGUE, 3, viewer))
    assert found.places.tolist() == [1, 2]
    assert found.scores.tolist() == [-1, -2]
    assert found.changes == dict.fromkeys((0, 3, 4), ("left out: seen already",))


def test_what_was_hidden_leaves():
    found = Hidden().apply(in_order(3), context(CATALOGUE, 3, Viewer("u", hidden=np.array([1, 5]))))
    assert found.places.tolist() == [0, 2]
    assert found.changes == {1: ("left out: you have hidden it",)}


def test_a_list_that_nothing_leaves_is_the_same_list():
    ranked = in_order(3)
    assert Seen().apply(ranked, context(CATALOGUE, 3)) is ranked
