"""What is learned from: the acts before the test, and whether what was seen returns."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from histories import make_data_set
from hypothesis import given
from hypothesis import strategies as st
from platforms import platform_at

from catalog.schema import ITEMS
from models.interactions import Interactions
from models.items import Items
from pipelines.epochs import epochs, fits
from pipelines.interactions import interactions
from pipelines.questions import questions, span_of, wanted
from pipelines.worlds import learned, seen_leaves, share_again
from streamrank.clock import DAY, HOUR, SECOND

ROWS = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3), st.integers(0, 12)), min_size=1, max_size=30)


def acts_of(rows: list[tuple[int, int, int]]) -> Interactions:
    """Rows of user, item and hour."""
    rows = sorted(rows, key=lambda row: row[2])
    users, items, hours = (np.array([row[n] for row in rows], np.int64) for n in range(3))
    one, ids = np.ones(len(rows), np.float32), [np.array([f"{kind}{n}" for n in range(4)], object) for kind in "ui"]
    return Interactions(users.astype(np.int32), items.astype(np.int32), hours * HOUR, one, one, one, *ids)


@given(ROWS, st.integers(1, 4))
def test_a_visit_returns_if_the_user_was_there_a_gap_before(rows, gap):
    again = visits = 0
    for place, (user, item, hour) in enumerate(ordered := sorted(rows, key=lambda row: row[2])):
        before = [at for who, what, at in ordered[:place] if (who, what) == (user, item)]
        returns = bool(before) and hour - before[-1] >= gap
        again, visits = again + returns, visits + (returns or not before)
    assert share_again(acts_of(rows), gap * HOUR) == pytest.approx(again / visits)


@given(ROWS, st.sampled_from([0.1, 0.4, 0.6]), st.integers(1, 4))
def test_epochs_follow_each_other_and_leave_acts_before_the_first(rows, first, many):
    acts = acts_of(rows)
    found = epochs(acts, first, many)
    assert all(a.ends == b.begins and a.begins < a.ends for a, b in pairwise(found))
    assert all(len(acts.before(each.begins)) for each in found) and len(found) <= many
    assert len(np.unique(acts.times)) > 1 or not found


def test_the_sources_of_an_epoch_know_nothing_of_it():
    random = np.random.default_rng(2)
    acts = acts_of([(int(u), int(i), h) for h, (u, i) in enumerate(random.integers(0, 4, (300, 2)))])
    items = Items(pa.Table.from_pylist([{"item_id": name} for name in acts.item_ids.tolist()], ITEMS))
    chain = epochs(acts, 0.4)
    for epoch, fitted in zip(chain, fits(acts, items, chain, ["als"]), strict=True):
        assert fitted.sources[0].until < epoch.begins


def view(hour: int, user: str, item: str, **more) -> dict:
    return {"event_time": hour * HOUR, "event_type": "view", "user_id": user, "item_id": item, **more}


@pytest.fixture
def platform(tmp_path):
    with platform_at(tmp_path / "root", STREAMRANK_DATASET="worlds"):
        yield


def test_without_a_split_each_users_test_part_is_left_out_and_with_one_all_that_comes_after(platform):
    events = [
        view(hour, user, f"{user}{hour}") for user, start in (("a", 0), ("b", 100)) for hour in range(start, start + 10)
    ]
    data = make_data_set(events)
    acts, _ = interactions(data)
    kept = learned(data, acts)
    last = {user: int(kept.times[kept.users == place].max()) // HOUR for place, user in enumerate(kept.user_ids)}
    assert last == {"a": 7, "b": 107}
    data.write_manifest(replace(data.manifest(), split_at="1970-01-02T00:00:00+00:00"))
    assert learned(data, acts).times.max() < DAY and len(learned(data, acts)) == 10


def test_the_acts_decide_whether_seen_items_return_unless_the_manifest_says(platform):
    data = make_data_set([view(hour, "a", "x") for hour in range(0, 20, 2)])
    acts, _ = interactions(data)
    assert not seen_leaves(data, acts)
    data.write_manifest(replace(data.manifest(), repeats=False))
    assert seen_leaves(data, acts)


def test_who_wants_what_again_is_asked_for_every_act_and_the_others_once_a_pair(platform):
    data = make_data_set(
        [view(hour, "a", "xy"[hour % 2]) for hour in range(50)] + [view(hour, "b", "z") for hour in range(50)]
    )
    every, once = wanted(data, seen_leaves=False), wanted(data, seen_leaves=True)
    assert every.num_rows > 60 and once.num_rows <= 3
    asked, answers = questions(every, 0, seen_leaves=False)
    assert asked["request_time"].to_pylist() == sorted(asked["request_time"].to_pylist())
    assert answers.num_rows == asked.num_rows  # one act each
    times = dict(zip(asked["qid"].to_pylist(), asked["request_time"].to_pylist(), strict=True))
    assert all((times[qid] + 1) % HOUR == 0 for qid in answers["qid"].to_pylist())


def test_clicks_are_wanted_again_where_the_log_has_no_other_acts(platform):
    clicks = [view(hour, "a", "xy"[hour % 2]) | {"event_type": "click"} for hour in range(50)]
    assert wanted(make_data_set(clicks), seen_leaves=False).num_rows == 40


def test_a_click_says_less_than_a_view_where_there_are_views(platform):
    clicks = [view(hour, "a", "xy"[hour % 2]) | {"event_type": "click"} for hour in range(50)]
    views = [view(hour, "b", "z") for hour in range(50)]
    found = wanted(make_data_set([*clicks, *views]), seen_leaves=False)
    assert set(found["user_id"].to_pylist()) == {"b"}


def test_where_times_are_only_an_order_a_user_is_asked_step_by_step(platform):
    data = make_data_set([view(0, f"u{step % 2}", f"i{step}") | {"event_time": step * SECOND} for step in range(1, 81)])
    rows = wanted(data, seen_leaves=True)
    assert span_of(data) == DAY and questions(rows, 0, True, span=span_of(data))[0].num_rows == 4  # two a user and day
    data.write_manifest(replace(data.manifest(), times="order"))
    asked, answers = questions(rows, 0, True, span=span_of(data))
    assert asked.num_rows == rows.num_rows > 50 and answers.num_rows == asked.num_rows
    assert set((asked["request_time"].to_numpy() + 1) % SECOND) == {0}


def test_no_more_questions_than_wanted_and_none_before_the_first_epoch(platform):
    data = make_data_set([view(hour, f"u{user}", f"{user}-{hour}") for hour in range(100) for user in range(3)])
    rows = wanted(data, seen_leaves=True)
    asked, answers = questions(rows, 30 * HOUR, seen_leaves=True, most=5)
    assert asked.num_rows == 5 and min(asked["request_time"].to_pylist()) >= 30 * HOUR - SECOND
    assert set(answers["qid"].to_pylist()) == set(asked["qid"].to_pylist()) and answers.num_rows > 5


def test_who_watches_after_a_click_is_asked_before_the_click(platform):
    clicks = [view(day * 24, "a", "xy"[day % 2]) | {"event_type": "click"} for day in range(50)]
    views = [click | {"event_type": "view", "event_time": click["event_time"] + 5 * SECOND} for click in clicks]
    rows = wanted(make_data_set([*clicks, *views]), seen_leaves=False)
    clicked = {click["event_time"] for click in clicks}
    assert rows.num_rows == 40 and set(rows["shown_at"].to_pylist()) <= clicked
    assert set((rows["known_at"].to_numpy() - rows["shown_at"].to_numpy()).tolist()) != {0}
    asked, answers = questions(rows, 0, seen_leaves=False)
    assert answers.num_rows == asked.num_rows and {at + 1 for at in asked["request_time"].to_pylist()} <= clicked


def test_who_began_to_watch_is_asked_before_they_entered(platform):
    views = [view(day * 24 + 3, "a", "xy"[day % 2]) for day in range(50)]
    enters = [act | {"event_type": "viewer_enter", "event_time": act["event_time"] - 3 * HOUR} for act in views]
    rows = wanted(make_data_set([*enters, *views]), seen_leaves=False)
    assert rows.num_rows == 40 and set(rows["shown_at"].to_pylist()) <= {act["event_time"] for act in enters}
