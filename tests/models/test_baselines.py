"""Baselines against plain counts over what was known at each request."""

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from models.baselines import baseline_scores
from streamrank.clock import DAY

ITEMS = pa.table({"item_id": ["a", "b", "c"], "topics": [["x", "y"], ["y"], None]})
TOPICS = dict(zip("abc", ITEMS["topics"].to_pylist(), strict=True))
USERS = pa.table({"user_id": ["u", "v"], "topics": pa.array([["y"], None], pa.list_(pa.string()))})
times = st.integers(0, 20 * DAY)


def scores(rows, outcomes, views, users=USERS):
    return baseline_scores(
        pa.table({"user_id": pa.array([u for u, _, _ in rows], pa.string()), "item_id": [i for _, i, _ in rows],
                  "request_time": pa.array([t for _, _, t in rows], pa.int64())}),
        pa.table({"item_id": pa.array([i for i, _, _ in outcomes], pa.string()),
                  "known_at": pa.array([t for _, t, _ in outcomes], pa.int64()),
                  "label": pa.array([label for _, _, label in outcomes], pa.int8())}),
        pa.table({"user_id": pa.array([u for u, _, _ in views], pa.string()),
                  "topics": pa.array([TOPICS[i] for _, i, _ in views], pa.list_(pa.string())),
                  "known_at": pa.array([t for _, _, t in views], pa.int64())}),
        ITEMS, users,
    )  # fmt: skip


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("uvw"), st.sampled_from("abc"), times), min_size=1, max_size=8),
    st.lists(st.tuples(st.sampled_from("abc"), times, st.sampled_from([0, 1, None])), max_size=20),
)
def test_counts_are_of_what_was_known_by_the_request(rows, outcomes):
    found = scores(rows, outcomes, [])
    for place, (_, item, time) in enumerate(rows):
        known = [at for of, at, label in outcomes if of == item and label == 1 and at <= time]
        assert found["popularity"][place] == len(known)
        assert found["recent popularity"][place] == sum(at > time - 7 * DAY for at in known)


def test_what_is_known_a_microsecond_after_the_request_does_not_count():
    found = scores([("u", "a", 10), ("u", "a", 9)], [("a", 10, 1)], [])
    assert found["popularity"].tolist() == [1, 0]


def test_stated_topics_come_first_and_without_any_the_three_most_viewed_by_then():
    views = [("v", "a", 5), ("v", "b", 50)]
    rows = [(user, item, 10) for user in "uvw" for item in "abc"]
    found = scores(rows, [("c", 1, 1), ("c", 2, 1), ("b", 3, 1)], views)["topics of interest"].reshape(3, 3)
    order = ["".join(np.array(list("abc"))[np.argsort(-row, kind="stable")]) for row in found]
    assert order == ["bac", "bac", "cba"]  # u stated y; v viewed x and y; nothing is known of w


def test_only_three_topics_count():
    items = pa.table({"item_id": list("abcd"), "topics": [["p"], ["q"], ["r"], ["s"]]})
    views = [("v", topic, at) for at, topic in enumerate("ppqqrrs")]
    found = baseline_scores(
        pa.table({"user_id": ["v"] * 4, "item_id": list("abcd"), "request_time": [100] * 4}),
        pa.table({"item_id": ["d"], "known_at": [1], "label": [1]}),
        pa.table({"user_id": [u for u, _, _ in views], "topics": [[t] for _, t, _ in views],
                  "known_at": [at for _, _, at in views]}),
        items, USERS,
    )["topics of interest"]  # fmt: skip
    assert found.argmin() == 3


def test_an_items_rate_is_told_where_negatives_are_known():
    found = scores([("u", "a", 10), ("u", "b", 10)], [("a", 1, 1), ("b", 1, 0), ("b", 1, 1)], [])
    assert found["item rate"][0] > found["item rate"][1]
    assert "item rate" not in scores([("u", "a", 10)], [("a", 1, 1)], [])
