"""Acts and items of a log, by the SQL that Feast has."""

import numpy as np
import pytest
from histories import make_data_set
from platforms import platform_at

from catalog.updates import ITEM_ATTRIBUTES
from models.items import Items
from pipelines import feature_store
from pipelines.interactions import ACTS, acts_sql, hidden_items, interactions, items_of
from streamrank.clock import SECOND


@pytest.fixture
def platform(tmp_path):
    with platform_at(tmp_path / "root", STREAMRANK_DATASET="acts") as root:
        yield root


def event(at: int, kind: str, user: str | None, item: str | None, **more) -> dict:
    return {"event_time": at * SECOND, "event_type": kind, "user_id": user, "item_id": item, **more}


EVENTS = [
    event(1, "impression", "u2", "a"),
    event(2, "view", "u2", "b", watch_ms=500, duration_ms=1_000),
    event(3, "view", "u1", "a", value=4.5),
    event(4, "view", "u1", "a"),
    event(5, "click", "u1", "c"),
    event(6, "like", "u1", "c"),
    event(7, "view", None, "c"),
    event(8, "view", "u1", None),
    event(9, "hide", "u1", "d"),
    event(10, "item_update", None, "a", attributes='{"title": "New", "topics": ["x"]}'),
]
FILE = [{"item_id": "a", "title": "Old", "creator_id": "k"}, {"item_id": "z"}]


def test_acts_are_those_of_users_on_items_in_the_order_of_arrival(platform):
    acts, items = interactions(make_data_set(EVENTS, FILE))
    assert items.ids.tolist() == ["a", "b", "c", "d", "z"] and acts.user_ids.tolist() == ["u1", "u2"]
    assert acts.user_ids[acts.users].tolist() == ["u2", "u1", "u1", "u1", "u1"]
    assert items.ids[acts.items].tolist() == ["b", "a", "a", "c", "c"]
    assert (acts.times // SECOND).tolist() == [2, 3, 4, 5, 6]
    np.testing.assert_allclose(acts.weights, [0.25 + 1.75 * 0.5, 1.5, 1, 0.5, 2])
    np.testing.assert_array_equal(acts.watched, np.array([0.5] + 4 * [np.nan], np.float32))
    np.testing.assert_array_equal(acts.ratings, np.array([np.nan, 4.5, np.nan, np.nan, np.nan], np.float32))


def test_an_event_says_more_of_an_item_than_its_file(platform):
    items = items_of(make_data_set(EVENTS, FILE)).table.to_pylist()
    assert (items[0]["title"], items[0]["topics"], items[0]["creator_id"]) == ("New", ["x"], "k")
    assert set(ITEM_ATTRIBUTES) <= items[0].keys() and items[1]["title"] is None


def test_items_that_are_known_keep_their_places_and_new_ones_stand_behind(platform):
    data = make_data_set(EVENTS, FILE)
    known = Items(items_of(data).table.take([4, 2, 0]))
    acts, items = interactions(data, known)
    assert items.ids.tolist() == ["z", "c", "a", "b", "d"]
    assert items.ids[acts.items].tolist() == ["b", "a", "a", "c", "c"]


def test_the_text_in_use_is_the_registered_one_and_the_same_where_nothing_is_registered(platform):
    data = make_data_set(EVENTS, FILE)
    before = interactions(data)[0]
    hidden_before = hidden_items(data, before)
    from pipelines.batch_features import compute_batch_features

    compute_batch_features(data)
    feature_store.apply()
    assert ACTS not in acts_sql(data)
    assert hidden_items(data, before).times.tolist() == hidden_before.times.tolist() != []
    after = interactions(data)[0]
    for column in ("users", "items", "times", "weights", "watched", "ratings"):
        np.testing.assert_array_equal(getattr(before, column), getattr(after, column))


def test_what_users_hid_is_known_from_its_arrival(platform):
    data = make_data_set(EVENTS, FILE)
    acts, items = interactions(data)
    hidden = hidden_items(data, acts)
    assert (acts.user_ids[hidden.users].tolist(), items.ids[hidden.items].tolist()) == (["u1"], ["d"])
    assert (hidden.times // SECOND).tolist() == [9]
