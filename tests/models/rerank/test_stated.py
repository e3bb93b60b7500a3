"""Topics are all that is known of a newcomer: what is about them comes first, and for others nothing changes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reranked import context, items

from models.rerank.stated import Stated
from models.rerank.step import Ranked
from models.viewer import Viewer

TOPICS = st.lists(st.none() | st.lists(st.sampled_from("abc"), min_size=1, max_size=2), min_size=1, max_size=9)


@settings(deadline=None, max_examples=60)
@given(TOPICS, st.data())
def test_items_of_stated_topics_come_first_and_the_ranker_s_order_stays_among_them(topics, data):
    scores = np.array(
        data.draw(st.lists(st.sampled_from([-3.0, 0.0, 0.5, 7.0]), min_size=len(topics), max_size=len(topics)))
    )
    before, viewer = Ranked.of(np.arange(len(topics)), scores), Viewer(topics=("a", "z"))
    asked = context(items(topics), 3, viewer)
    after = Stated().apply(before, asked)
    fits = {place for place, own in enumerate(topics) if own and "a" in own}
    order = before.places.tolist()
    assert after.places.tolist() == [p for p in order if p in fits] + [p for p in order if p not in fits]
    np.testing.assert_array_equal(after.scores, scores[after.places])


def test_what_moved_says_why():
    before, viewer = Ranked.of(np.arange(3), np.array([3.0, 2.0, 1.0])), Viewer(topics=("b",))
    after = Stated().apply(before, context(items([["a"], ["a"], ["a", "b"]]), 3, viewer))
    assert after.changes[2] == ("moved up 2: of a topic you named",)
    assert after.changes[0] == ("moved down 1: others are of a topic you named",)


@pytest.mark.parametrize(
    ("viewer", "topics", "lacking"),
    [
        (Viewer(topics=("a",), items=np.array([0])), [["a"]], "what the viewer did or picked"),
        (Viewer(topics=("a",), picked=np.array([0])), [["a"]], "what the viewer did or picked"),
        (Viewer(), [["a"]], "stated no topics"),
        (Viewer(topics=("a",)), [None], "no item has topics"),
        (Viewer(topics=("a",)), [["a"]], None),
    ],
)
def test_it_is_for_those_of_whom_nothing_else_is_known(viewer, topics, lacking):
    found = Stated().lacks(context(items(topics), 1, viewer))
    assert (found is None) if lacking is None else lacking in found
