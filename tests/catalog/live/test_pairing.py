"""Pairing whole batches gives what pairing sign by sign gives, wherever the batches are cut."""

from itertools import pairwise

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_sessions import SILENCE, PlainSessions

from catalog.live.pairing import ENDED_ITEMS, SIGNS, pair
from catalog.live.session_events import session_events
from catalog.live.viewers import VIEWERS
from catalog.schema import EVENTS
from streamrank.events.shards import SHARDS

KINDS = st.sampled_from(SIGNS)
GAPS = st.one_of(st.integers(1, 50_000_000), st.sampled_from([SILENCE - 1, SILENCE, SILENCE + 1]))
LATE = st.sampled_from([0, 0, 0, 1, 40_000_000])
STEPS = st.lists(st.tuples(KINDS, st.sampled_from("uvw"), st.sampled_from(["i", "j"]), GAPS, LATE), max_size=25)
BEGIN = 1_000_000_000_000


def signs_of(steps) -> list[tuple[str, str, str, int, int]]:
    arrivals = BEGIN + np.cumsum([gap for *_, gap, _ in steps], dtype=np.int64)
    return [
        (kind, user, item, int(a), int(a) - late)
        for (kind, user, item, _, late), a in zip(steps, arrivals, strict=True)
    ]


def table(signs) -> pa.Table:
    rows = [
        {
            "event_id": f"{a}", "event_time": e, "arrived_at": a, "shard": 3, "log_position": a, "event_type": kind,
            "user_id": user, "item_id": item, "creator_id": f"of {item}", "topics": ["t", item], "surface": kind,
        }
        for kind, user, item, a, e in signs
    ]  # fmt: skip
    return pa.Table.from_pylist(rows, schema=EVENTS)


def ends(ended: dict[str, tuple[int, int]]) -> pa.Table:
    return pa.table([[*ended], [a for a, _ in ended.values()], [e for _, e in ended.values()]], schema=ENDED_ITEMS)


@settings(max_examples=150, deadline=None)
@given(STEPS, st.lists(st.integers(0, 25), max_size=4), st.booleans(), st.integers(0, 25), GAPS)
def test_batches_cut_anywhere_pair_as_one_sign_after_the_other(steps, cuts, ends_known, ended_at, rest):
    signs = signs_of(steps)
    last = signs[-1][3] if signs else BEGIN
    end = signs[min(ended_at, len(signs) - 1)][3] - 5 if signs else BEGIN
    ended = {"i": (end, end - 7)} if ends_known else {}
    plain = PlainSessions(ended)
    plain.batch(signs)
    plain.sweep(last + rest)

    held, started, sessions = VIEWERS.empty_table(), [], []
    bounds = [0, *sorted(min(cut, len(signs)) for cut in cuts), len(signs)]
    parts = [signs[start:stop] for start, stop in pairwise(bounds)]
    for number, part in enumerate([*parts, []]):
        reached = part[-1][3] if part else BEGIN if number < len(parts) else last + rest
        horizon = np.full(SHARDS, reached)
        paired = pair(held, table(part), ends(ended), horizon)
        held = paired.open
        started += [(row["user_id"], row["item_id"], row["started_e"]) for row in paired.started.to_pylist()]
        for row in paired.closed.to_pylist():
            sessions.append((row["user_id"], row["item_id"], row["started_e"], row["ended_e"]))
            assert (row["creator_id"], row["topics"]) == (f"of {row['item_id']}", ["t", row["item_id"]])
    assert sorted(started) == sorted(plain.started)
    assert sorted(sessions) == sorted(plain.sessions)
    assert {(row["user_id"], row["item_id"]) for row in held.to_pylist()} == {*plain.open}


def test_a_session_is_published_with_its_duration_and_what_its_first_sign_brought():
    second = 1_000_000
    signs = [("viewer_enter", "u", "i", BEGIN, BEGIN), ("viewer_leave", "u", "i", BEGIN + 90 * second, BEGIN)]
    signs[1] = (*signs[1][:4], BEGIN + 60 * second)
    paired = pair(VIEWERS.empty_table(), table(signs), ENDED_ITEMS.empty_table())
    events, shards = session_events(paired)
    start, session = events.to_pylist()
    assert shards.tolist() == [3, 3]
    assert (start["event_type"], session["event_type"]) == ("session_start", "session")
    assert start["session_id"] == session["session_id"]
    assert start["event_id"] != session["event_id"]
    assert (session["duration_ms"], session["watch_ms"], start["duration_ms"]) == (60_000, 60_000, None)
    assert (session["creator_id"], session["topics"], session["surface"]) == ("of i", ["t", "i"], "viewer_enter")
    assert (session["event_time"] - start["event_time"]).total_seconds() == 60


def test_nobody_leaves_twice_and_nobody_leaves_who_never_came():
    signs = [("viewer_leave", "u", "i", BEGIN, BEGIN), ("viewer_leave", "u", "i", BEGIN + 1, BEGIN + 1)]
    paired = pair(VIEWERS.empty_table(), table(signs), ENDED_ITEMS.empty_table())
    assert len(session_events(paired)[0]) == 0
    assert len(paired.open) == 0
