"""Whatever JSON a producer sends, each event is taken or refused with a reason: nothing in a body is an error."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bentos.events.body import BadBody, rows_of
from catalog.schema import PUBLISHED
from validation.door import admit_arriving

NOW = 1_709_294_400_000_000
scalars = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5) | st.sampled_from(["2024-03-01T11:00:00Z", "7", "1e400", "{}", "view", NOW])
)  # fmt: skip
values = st.recursive(
    scalars,
    lambda part: st.lists(part, max_size=3) | st.dictionaries(st.text(max_size=3), part, max_size=2),
    max_leaves=5,
)
events = st.dictionaries(
    st.sampled_from([*PUBLISHED.names, "other", "row", "reason", "faults", ""]), values, max_size=8
)


@settings(max_examples=150, deadline=None)
@given(st.lists(events, max_size=4))
def test_every_event_is_either_taken_or_refused_with_a_reason(body):
    try:
        rows = rows_of(json.dumps(body).encode())
    except BadBody:  # a text that no encoding can write
        return
    found = admit_arriving(rows, NOW, 60_000_000)
    assert len(found.good) + len(found.bad) == len(rows) == len(body)
    assert all(found.bad["reason"].to_pylist())
    assert not found.good["event_id"].null_count


def test_a_good_event_is_taken_whatever_stands_beside_it():
    good = {"event_time": "2024-03-01T11:00:00Z", "user_id": "u", "watch_ms": 5, "topics": ["a"]}
    for name in PUBLISHED.names:
        for odd in (True, -1.5, 10**30, "x", [1, "a", None], {"a": {"b": []}}, [[]]):
            found = admit_arriving(rows_of(json.dumps([good, {**good, name: odd}]).encode()), NOW, 60_000_000)
            assert found.good["watch_ms"].to_pylist()[0] == 5
            assert found.good["topics"].to_pylist()[0] == ["a"]


@pytest.mark.parametrize("body", [b"", b"null", b"[", b'{"events": {}}', b"\xff\xfe", b"[[]]"])
def test_what_is_no_array_of_objects_is_no_body(body):
    with pytest.raises(BadBody):
        rows_of(body)
