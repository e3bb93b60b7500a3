"""Viewers: from the columns of the feature service, and from acts, at any instant."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.interactions import Interactions
from models.viewing import Histories, viewer_of, viewers

PLACES = {"a": 0, "b": 1, "c": 2}
ACTS = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 4), st.integers(0, 20)), max_size=30)


def acts_of(rows: list[tuple[int, int, int]]) -> Interactions:
    """Rows of user, item and time, in the order of time."""
    rows = sorted(rows, key=lambda row: row[2])
    users, items, times = (np.array([row[n] for row in rows], np.int64) for n in range(3))
    some = np.linspace(0, 1, len(rows), dtype=np.float32)
    ids = np.array(["u0", "u1", "u2"], object), np.array([f"i{n}" for n in range(5)], object)
    return Interactions(users.astype(np.int32), items.astype(np.int32), times, some, some, some, *ids)


@given(ACTS, st.integers(0, 2), st.integers(-1, 22), st.integers(1, 5))
def test_a_viewer_has_the_last_acts_before_the_instant_and_no_later_one(rows, user, instant, most):
    acts = acts_of(rows)
    own = np.flatnonzero((acts.users == user) & (acts.times < instant))[-most:]
    found = Histories(acts).viewer(user, instant, most)
    assert found.user_id == f"u{user}"
    np.testing.assert_array_equal(found.items, acts.items[own])
    np.testing.assert_array_equal(found.times, acts.times[own])
    np.testing.assert_array_equal(found.weights, acts.weights[own])


def test_nobody_has_no_acts():
    assert len(Histories(acts_of([(0, 0, 1)])).viewer(-1, 9).items) == 0
    assert viewer_of(acts_of([(0, 3, 1)]), 0, 2).items.tolist() == [3]


def rows(**columns) -> pa.Table:
    text, number = pa.list_(pa.string()), pa.list_(pa.float32())
    types = {
        "recent_items": text, "hidden_items": text, "followed_creators": text, "user_stated_topics": text,
        "candidate_items": text, "recent_weights": number, "recent_watched": number, "recent_ratings": number,
        "candidate_scores": number, "user_vector": number, "recent_times": pa.list_(pa.int64()),
    }  # fmt: skip
    return pa.table({name: pa.array(values, types.get(name)) for name, values in columns.items()})


def test_acts_on_unknown_items_leave_every_column_together():
    one, nobody = viewers(
        rows(
            user_id=["u", None], recent_items=[["b", "gone", "a", "b"], None], recent_times=[[1, 2, 3, 4], None],
            recent_weights=[[0.5, 9, 1, 2], None], recent_watched=[[None, 9, 0.25, 1], None],
            recent_ratings=[[9, 9, 9, 9], None], hidden_items=[["c", "gone"], None],
            followed_creators=[["k"], None], user_stated_topics=[["news"], None],
        ),
        PLACES,
    )  # fmt: skip
    assert (one.items.tolist(), one.times.tolist(), one.weights.tolist()) == ([1, 0, 1], [1, 3, 4], [0.5, 1, 2])
    np.testing.assert_array_equal(one.watched, np.array([np.nan, 0.25, 1], np.float32))
    assert one.hidden.tolist() == [2] and one.followed == ("k",) and one.topics == ("news",)
    assert nobody.user_id == "" and not len(nobody.items) and nobody.vector is None and nobody.topics == ()


def test_a_vector_comes_with_its_version_and_candidates_with_their_time():
    one, other = viewers(
        rows(
            user_id=["u", "v"], user_vector=[[1, 2], []], vector_version=["x", None],
            candidate_items=[["c", "gone", "a"], None], candidate_scores=[[3, 2, 1], None], candidates_at=[7, None],
        ),
        PLACES,
    )  # fmt: skip
    assert one.vector.tolist() == [1, 2] and one.vector.dtype == np.float32 and one.version == "x"
    assert (one.proposed.tolist(), one.proposed_scores.tolist(), one.proposed_at) == ([2, 0], [3, 1], 7)
    assert other.vector is None and not len(other.proposed) and other.proposed_at is None


def test_columns_that_are_not_there_count_as_missing():
    (found,) = viewers(rows(user_id=["u"], recent_items=[["a"]]), PLACES)
    assert found.items.tolist() == [0] and np.isnan(found.weights).all() and found.times.tolist() == [0]


def test_lists_of_different_lengths_are_refused_by_name():
    with pytest.raises(ValueError, match="recent_weights: expected 2 values, one for each item, found 1"):
        viewers(rows(user_id=["u"], recent_items=[["a", "b"]], recent_weights=[[1]]), PLACES)
