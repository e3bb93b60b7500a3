"""Moments of the past: nothing in one is later than its instant."""

import numpy as np
import pytest
from histories import make_data_set
from platforms import platform_at

from pipelines.interactions import interactions
from pipelines.moments import moments
from streamrank.clock import SECOND


def event(at: int, kind: str, item: str, **more) -> dict:
    return {"event_time": at * SECOND, "event_type": kind, "user_id": "u", "item_id": item, **more,
            "log_position": at * SECOND}  # fmt: skip


EVENTS = [
    event(10, "item_start", "live", user_id=None),
    event(11, "view", "live"),
    event(12, "view", "film"),
    event(20, "item_end", "live", user_id=None),
    event(30, "item_start", "live", user_id=None),
    event(31, "view", "live"),
]


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    with platform_at(tmp_path_factory.mktemp("root"), STREAMRANK_DATASET="moments"):
        data = make_data_set(EVENTS)
        acts, items = interactions(data)
        yield data, acts, items, moments(data, acts, items)


def test_an_item_that_starts_and_ends_is_on_air_between(told):
    _, _, items, found = told
    live = items.ids.tolist().index("live")
    on = [found.at(second * SECOND).on_air[live] for second in (9, 10, 19, 20, 29, 30)]
    assert on == [False, True, True, False, False, True]
    assert found.at(9 * SECOND).on_air[1 - live]


def test_it_begins_with_its_latest_start(told):
    _, _, items, found = told
    live = items.ids.tolist().index("live")
    begins = [found.at(second * SECOND).begins[live] // SECOND for second in (15, 25, 30)]
    assert begins == [10, 10, 30]


def test_the_same_moment_comes_of_acts_that_end_before_it(told):
    data, acts, items, _ = told
    whole = moments(data, acts, items, half_life=5.0 * SECOND)
    for second in (5, 11, 13, 31, 40):
        early = moments(data, acts.before(second * SECOND), items, half_life=5.0 * SECOND)
        np.testing.assert_allclose(early.at(second * SECOND).recent, whole.at(second * SECOND).recent, rtol=1e-6)


def test_lately_is_counted_with_a_decay_and_without_what_comes_later(told):
    data, acts, items, _ = told
    found = moments(data, acts, items, half_life=1.0 * SECOND).at(13 * SECOND).recent
    assert dict(zip(items.ids.tolist(), found.tolist(), strict=True)) == {"film": 0.5, "live": 0.25}


def test_instants_that_follow_each_other_share_a_moment(told):
    found = list(told[3].each([5, 5, 7]))
    assert found[0] is found[1] and found[1] is not found[2] and found[2].now_us == 7
