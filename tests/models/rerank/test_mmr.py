import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from reranked import context, in_order, items

from models.rerank.mmr import OF_CREATOR, OF_TOPICS, Mmr
from models.rerank.step import Ranked

described = st.lists(
    st.tuples(st.sets(st.sampled_from("abc")), st.sampled_from([None, "x", "y"])), min_size=1, max_size=15
)


def plain(described, scores, weight, k):
    """Maximal marginal relevance as it is written down, item by item."""

    def like(one, other):
        (topics, creator), (others, its) = described[one], described[other]
        topics, others = topics or {None}, others or {None}
        cosine = len(topics & others) / (len(topics) * len(others)) ** 0.5
        return OF_TOPICS * cosine + OF_CREATOR * (creator == its)

    spread = max(scores) - min(scores)
    worth = [(score - min(scores)) / spread if spread else 0 for score in scores]
    chosen, left = [], list(range(len(scores)))
    while left and len(chosen) < k:
        values = [(1 - weight) * worth[i] - weight * max((like(i, above) for above in chosen), default=0) for i in left]
        chosen.append(left.pop(int(np.argmax(np.round(values, 9)))))
    return chosen + left


@settings(deadline=None, max_examples=60)
@given(described, st.sampled_from([0.0, 0.3, 0.7, 1.0]), st.integers(1, 8))
def test_the_list_is_that_of_the_plain_definition(described, weight, k):
    catalogue = items([sorted(topics) for topics, _ in described], [creator for _, creator in described])
    scores = -(np.arange(len(described), dtype=float) ** 1.1)
    found = Mmr(weight).apply(Ranked.of(np.arange(len(scores)), scores), context(catalogue, k))
    assert found.places.tolist() == plain(described, scores.tolist(), weight, k)


def test_an_item_like_the_one_above_it_gives_way_to_another_kind():
    catalogue = items([["drama"], ["drama"], ["war"]])
    found = Mmr(0.6).apply(in_order(3), context(catalogue, 2))
    assert found.places.tolist() == [0, 2, 1]
    assert found.changes == {
        2: ("moved up 1: unlike the items above it",), 1: ("moved down 1: alike to items above it",),
    }  # fmt: skip


@settings(deadline=None, max_examples=60)
@given(st.floats(0.01, 1000), st.floats(-100, 100))
def test_the_scale_of_the_scores_does_not_matter(scale, shift):
    catalogue = items([["a"], ["a", "b"], ["b"], ["c"], []], ["x", "y", "x", None, "y"])
    asked, scores = context(catalogue, 4), np.array([3.0, 2.5, 2.4, 1.0, 0.9])
    first, other = (Mmr(0.4).apply(Ranked.of(np.arange(5), s), asked) for s in (scores, scores * scale + shift))
    assert first.places.tolist() == other.places.tolist()


def test_an_empty_list_stays_empty():
    assert len(Mmr(0.5).apply(in_order(0), context(items([["a"]]), 3))) == 0
