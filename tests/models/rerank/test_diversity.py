from collections import Counter

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from reranked import context, in_order, items

from models.rerank.diversity import Diversity

names = st.lists(st.tuples(st.sampled_from([None, "a", "b", "c"]), st.sampled_from([None, "x", "y"])), max_size=30)


def test_an_item_too_many_of_its_topic_gives_way_and_says_why():
    catalogue = items([["drama"], ["drama", "war"], ["drama"], ["war"]])
    found = Diversity(2, None).apply(in_order(4), context(catalogue, 3))
    assert found.places.tolist() == [0, 1, 3, 2]
    assert found.changes == {
        3: ("moved up 1: brings variety",), 2: ("moved down 1: already 2 of topic drama",),
    }  # fmt: skip


def test_creators_are_limited_beside_topics():
    catalogue = items([["a"], ["b"], ["c"], ["d"]], ["x", "x", "y", None])
    found = Diversity(2, 1).apply(in_order(4), context(catalogue, 3))
    assert found.places.tolist() == [0, 2, 3, 1]
    assert found.changes[1] == ("moved down 2: already 1 of creator x",)


@settings(deadline=None, max_examples=60)
@given(names, st.integers(1, 12), st.integers(1, 3), st.integers(1, 3))
def test_the_list_is_that_of_a_plain_loop_over_candidates(described, k, per_topic, per_creator):
    topics, creators = [topic and [topic] for topic, _ in described], [creator for _, creator in described]
    found = Diversity(per_topic, per_creator).apply(in_order(len(topics)), context(items(topics, creators), k))
    chosen, counts = [], Counter()
    for place, (topic, creator) in enumerate(described):
        within = counts["topic", topic] < per_topic and counts["creator", creator] < per_creator
        if within and len(chosen) < k:
            chosen.append(place)
            counts.update(key for key in (("topic", topic), ("creator", creator)) if key[1])
    assert found.places.tolist() == chosen + [place for place in range(len(topics)) if place not in chosen]


def test_without_topics_and_creators_the_step_says_what_it_lacks():
    assert Diversity(2, 2).lacks(context(items([None]), 1)) == "no item has a topic or a creator"
    assert Diversity(2, None).lacks(context(items([None], ["x"]), 1)) is not None
    assert Diversity(2, 2).lacks(context(items([None], ["x"]), 1)) is None


def test_scores_go_with_their_items():
    found = Diversity(1, None).apply(in_order(3), context(items([["a"], ["a"], ["b"]]), 2))
    np.testing.assert_array_equal(found.scores, [0, -2, -1])
