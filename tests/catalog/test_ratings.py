"""Ratings of other scales than 1 to 5: brought there where the scale is said, and otherwise told."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog import files
from catalog.errors import InputError
from catalog.ratings import LIKED, Scale, brought_to_five, told

HEAD = "event_time,user_id,item_id,event_type,value\n"


def rated(*values: float, kinds: list[str | None] | None = None) -> pa.Table:
    return pa.table({"event_type": pa.array(kinds or ["rating"] * len(values), pa.string()), "value": list(values)})


@settings(deadline=None, max_examples=15)
@given(st.lists(st.integers(0, 1_000).map(lambda tenths: tenths / 10), min_size=1, max_size=20))
def test_what_is_liked_on_a_scale_is_liked_after_it_was_brought_to_five(values):
    scale = Scale(0, 100)
    found = brought_to_five("f", rated(*values), scale)["value"].to_pylist()
    assert all(1 <= value <= 5 for value in found)
    assert [value >= LIKED for value in found] == [value >= scale.liked for value in values]
    assert sorted(found) == [value for _, value in sorted(zip(values, found, strict=True))]


def test_a_file_s_ratings_are_brought_to_five_and_what_counts_is_said(tmp_path):
    file = tmp_path / "e.csv"
    lines = ("1,u,a,rating,0", "2,u,b,,100", "3,u,c,view,75", "4,u,d,share,9", "5,u,e,rating,much", "6,u,f,rating,")
    file.write_text(HEAD + "\n".join(lines))
    found = files.source(file, rules=files.Rules(ratings=Scale(0, 100)))
    values = found.events["value"].to_pylist()
    assert [float(value) for value in values[:4]] == [1, 5, 4, 9] and values[4] == "much" and not values[5]
    assert any("75 and more counts as liked, 67% of them do" in note for note in found.notes)
    assert found.fingerprint != files.source(file).fingerprint


def test_parquet_keeps_its_order_and_types(tmp_path):
    file = tmp_path / "e.parquet"
    rows = {"event_time": [3, 1, 2], "user_id": ["u"] * 3, "value": [10, 0, None]}
    pq.write_table(pa.table(rows), file)
    found = files.source(file, rules=files.Rules(ratings=Scale(0, 10))).events
    assert found["value"].to_pylist() == [5.0, 1.0, None] and found["user_id"].to_pylist() == ["u"] * 3


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ((1.0, 100.0), "ratings lie from 1 to 100, and 4 and more counts as liked: 50% of them do; say their scale"),
        ((0.0, 1.0), "from 0 to 1, and 4 and more counts as liked: 0% of them do"),
        ((0.5, 5.0), None),
        ((1.0, 4.0), None),
    ],
)
def test_ratings_of_an_unsaid_scale_are_told(values, said):
    notes = told(rated(*values), None)
    assert (said in notes[0]) if said else notes == ()


def test_a_log_without_ratings_says_nothing():
    assert told(pa.table({"event_type": ["view"]}), None) == ()
    assert told(rated(50.0, kinds=["share"]), None) == ()


def test_a_scale_that_does_not_fit_is_refused():
    with pytest.raises(InputError, match=r"f: expected ratings from 0 to 10.*found 1 to 11"):
        brought_to_five("f", rated(1.0, 11.0), Scale(0, 10))
    with pytest.raises(InputError, match="found none"):
        brought_to_five("f", rated(1.0, kinds=["share"]), Scale(0, 10))
    with pytest.raises(InputError, match="found 10 to 0"):
        Scale(10, 0)
