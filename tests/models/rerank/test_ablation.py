import numpy as np
from reranked import context, in_order, items

from models.rerank.ablation import Asked, ablation
from models.rerank.diversity import Diversity
from models.rerank.seen import Seen
from models.viewer import Viewer

CATALOGUE = items([["a"], ["a"], ["b"], ["c", "d"]], ["x", "x", "y", "z"])


def test_each_step_is_measured_alone_and_left_out():
    viewer = Viewer("u", items=np.array([0]))
    requests = [
        Asked(in_order(4), context(CATALOGUE, 2, viewer), np.array([1])),
        Asked(in_order(4), context(CATALOGUE, 2), np.array([], np.int64)),
    ]
    found = ablation(requests, [Seen(), Diversity(1, None)], k=2)
    assert set(found) == {
        "none", "all", "only seen", "only diversity", "without seen", "without diversity",
    }  # fmt: skip
    assert found["none"]["topics@2"].tolist() == [1, 1]
    assert found["all"]["topics@2"].tolist() == [2, 2]
    np.testing.assert_allclose(found["none"]["ndcg@2"], [1 / np.log2(3), np.nan])
    np.testing.assert_allclose(found["only seen"]["ndcg@2"], [1, np.nan])
    np.testing.assert_allclose(found["only diversity"]["ndcg@2"], [0, np.nan])
    assert found["without seen"]["creators@2"].tolist() == [2, 2]
