"""What a user watched most often and last, against plain counts over what was known at each request."""

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from models.habits import habit_scores

acts = st.lists(st.tuples(st.sampled_from("uv"), st.sampled_from("abc"), st.integers(0, 9)), max_size=20)


def orders(given_acts: list[tuple], user: str, time: int) -> dict[str, str]:
    """By scorer, the items a to d as it orders them for the user at that time; d is nobody's, and popular."""
    rows = {"user_id": [user] * 4, "item_id": list("abcd"), "request_time": [time] * 4}
    known = {"user_id": [u for u, _, _ in given_acts], "item_id": [i for _, i, _ in given_acts]}
    table = pa.table({name: pa.array(values, pa.string()) for name, values in known.items()})
    table = table.append_column("known_at", pa.array([t for _, _, t in given_acts], pa.int64()))
    found = habit_scores(pa.table(rows), table, np.array([1.0, 2.0, 3.0, 99.0]))
    return {name: "".join(np.array(list("abcd"))[np.argsort(-own, kind="stable")]) for name, own in found.items()}


@settings(max_examples=40, deadline=None)
@given(acts, st.sampled_from("uw"), st.integers(0, 9))
def test_own_items_come_first_by_how_often_and_how_lately(given_acts, user, time):
    own = {item: [t for u, i, t in given_acts if (u, i) == (user, item) and t <= time] for item in "abc"}
    found = orders(given_acts, user, time)
    watched = [item for item in "abc" if own[item]]
    rest = [item for item in "dcba" if item not in watched]
    keys = {"most often": lambda item: (len(own[item]), max(own[item])), "last watched": lambda item: max(own[item])}
    for name, key in keys.items():
        first, behind = found[name][: len(watched)], found[name][len(watched) :]
        assert [key(item) for item in first] == sorted((key(item) for item in watched), reverse=True)
        assert list(behind) == rest


def test_what_is_known_after_the_request_does_not_count():
    assert orders([("u", "a", 5), ("u", "b", 6)], "u", 5)["last watched"][0] == "a"
