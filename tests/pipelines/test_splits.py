"""The test part is later than what is learned from, for everyone or for each user."""

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st
from shown import labelled_rows

from catalog.dataset import Manifest
from pipelines.splits import split

INSTANT = "2024-10-04T00:00:00+00:00"  # START
BY_USER, AT_INSTANT = Manifest("x", "test"), Manifest("x", "test", split_at=INSTANT)


def test_an_instant_parts_the_rows_and_drops_what_became_known_across_it():
    rows = labelled_rows(
        {"shown_at": -5}, {"shown_at": -5, "after": 5}, {"shown_at": 0}, {"shown_at": 3}
    )  # fmt: skip
    learned, tested = split(rows, AT_INSTANT)
    assert learned["item_id"].to_pylist() == ["i0"]
    assert tested["item_id"].to_pylist() == ["i2", "i3"]


def test_each_user_keeps_the_last_fifth_for_the_test_part():
    rows = labelled_rows(*[{"user_id": "a"}] * 10, *[{"user_id": "b"}] * 5, *[{"user_id": "c"}] * 4)
    _, tested = split(rows, BY_USER)
    assert tested["item_id"].to_pylist() == ["i8", "i9", "i14"]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 6)), min_size=1, max_size=60))
def test_rows_of_equal_time_are_on_one_side_and_no_learned_row_is_later_than_a_tested_one(shown):
    rows = labelled_rows(*[{"user_id": user, "shown_at": time} for user, time in shown])
    learned, tested = split(rows, BY_USER)
    assert sorted(pa.concat_tables([learned, tested])["item_id"].to_pylist()) == sorted(rows["item_id"].to_pylist())
    for user in {user for user, _ in shown}:
        before, after = (
            [row["shown_at"] for row in part.to_pylist() if row["user_id"] == user] for part in (learned, tested)
        )
        assert max(before, default=0) < min(after, default=float("inf"))
        assert len(after) >= int(0.2 * (len(before) + len(after)))
