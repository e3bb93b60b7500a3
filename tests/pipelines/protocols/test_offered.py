"""Questions are asked before what they want is on the screen."""

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from learning_world import NOW, made
from platforms import environment
from protocol_worlds import acts_of, world_of

from models.learning.holdouts import LaterHoldout
from pipelines.protocols import last_10_percent, leave_one_out
from pipelines.protocols.world import world
from streamrank import clock
from streamrank.clock import DAY, SECOND, VirtualClock

MINUTE = 60 * SECOND

acts = st.lists(
    st.tuples(st.integers(0, 5), st.integers(0, 9), st.integers(0, 40), st.integers(0, 9)), min_size=12, max_size=80
)


@given(acts)
@settings(deadline=None)
def test_nothing_that_was_learned_lies_behind_an_instant(rows):
    users, items, times, before = np.array(rows).T
    order = np.argsort(times, kind="stable")
    plain = acts_of(users, items, times, catalogue=10)
    asked = world_of(replace(plain, asked=plain.times - before[order]), repeats=True)
    for plan in (leave_one_out.plan(asked), last_10_percent.plan(asked)):
        for task in plan.tasks:
            assert not len(task.fit) or task.fit.times.max() < task.asked.instants.min()
            assert (np.diff(task.asked.instants) >= 0).all()
            kept = set(zip(asked.acts.users, asked.acts.items, asked.acts.asked, strict=True))
            wanted = zip(task.asked.users, task.asked.wanted, task.asked.instants, strict=True)
            assert set(wanted) <= kept
    for fold in LaterHoldout(count=2).folds(asked.acts):
        assert not len(fold.fit) or not len(fold) or fold.fit.times.max() < fold.instants.min()


def event(number, kind, user, item, minutes):
    return {"event_id": str(number), "event_type": kind, "user_id": user, "item_id": item,
            "event_time": NOW - 5 * DAY + minutes * MINUTE}  # fmt: skip


EVENTS = [
    event(1, "impression", "a", "x", 0), event(2, "impression", "a", "y", 0), event(3, "click", "a", "y", 7),
    event(4, "impression", "a", "y", 9), event(5, "view", "a", "x", 30), event(6, "impression", "b", "x", 10),
    event(7, "viewer_enter", "b", "x", 12), event(8, "view", "b", "x", 40), event(9, "view", "b", "y", 50),
    event(10, "impression", "b", "z", 60), event(11, "click", "b", "z", 60 + 25 * 60),
]  # fmt: skip


def test_an_act_was_asked_for_when_it_was_shown_or_begun(tmp_path):
    with environment(STREAMRANK_ROOT=str(tmp_path), STREAMRANK_DATASET="shown"), clock.use(VirtualClock(NOW)):
        found = world(made(EVENTS)).acts
    minutes = (found.instants - (NOW - 5 * DAY)) // MINUTE
    names = [found.user_ids[user] + found.item_ids[item] for user, item in zip(found.users, found.items, strict=True)]
    late = 60 + 25 * 60  # what was shown more than a day before did not lead to it
    assert dict(zip(names, minutes.tolist(), strict=True)) == {"ay": 0, "ax": 0, "bx": 10, "by": 50, "bz": late}
    assert (found.asked <= found.times).all()
