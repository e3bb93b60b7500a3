"""What users stated is known from the instant at which they did, as Feast's view has it."""

import json

import numpy as np
from histories import DAY, make_data_set

from pipelines.protocols.asked import Task, single
from pipelines.protocols.world import world
from pipelines.stated_topics import stated_topics


def update(user: str, day: int, **named) -> dict:
    return {"event_type": "user_update", "user_id": user, "event_time": day * DAY, "attributes": json.dumps(named)}


def view(user: str, day: int) -> dict:
    return {"event_type": "view", "user_id": user, "item_id": f"i{day}", "event_time": day * DAY}


EVENTS = [
    *(view("u", day) for day in (1, 4, 7)), update("u", 3, topics=["new"]), update("u", 5, age=30),
    update("u", 6, topics=[]), update("v", 5, topics="a|b"), view("v", 2), update("w", 5, age=3), view("w", 8),
]  # fmt: skip
USERS = [{"user_id": "u", "topics": ["old"]}, {"user_id": "x", "topics": None}]


def test_a_user_s_file_counts_always_and_an_update_from_its_arrival_on(platform):
    stated = stated_topics(make_data_set(sorted(EVENTS, key=lambda each: each["event_time"]), users=USERS))
    assert stated.topics("u", 0) == stated.topics("u", 3 * DAY) == ("old",)
    assert stated.topics("u", 3 * DAY + 1) == stated.topics("u", 9 * DAY) == ("new",)
    assert stated.topics("v", 5 * DAY) == () and stated.topics("v", 5 * DAY + 1) == ("a", "b")
    assert stated.topics("w", 9 * DAY) == stated.topics("x", 9 * DAY) == stated.topics("nobody", 9 * DAY) == ()


def test_a_question_of_a_protocol_sees_what_was_stated_before_it(platform):
    found = world(make_data_set(sorted(EVENTS, key=lambda each: each["event_time"]), users=USERS))
    acts = found.acts
    own = np.flatnonzero(acts.users == acts.user_ids.tolist().index("u"))
    task = Task("all", acts, acts, single(acts, own))
    present = found.present(task)
    assert [present.viewer(task.asked, question).topics for question in range(3)] == [("old",), ("new",), ("new",)]
