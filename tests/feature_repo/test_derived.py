"""Derived features as functions: values, missing inputs, and the same row whatever rows it is asked with."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feature_repo.derived import WORDS, derive

MONDAY = 1_704_067_200_000_000  # 2024-01-01 00:00 UTC
HOUR, DAY = 3_600_000_000, 86_400_000_000
NOTHING = {
    "request_time": MONDAY, "surface": None, "item_available_from": None, "item_views_1d": None, "item_views_7d": None,
    "user_views_60d": None, "ut_views_60d": None, "uc_views_60d": None, "item_topics": None, "user_top_topics": None,
    "user_top_topic_shares": None, "user_stated_topics": None, "stated_topics": None,
}  # fmt: skip


def derived(*rows: dict) -> list[dict]:
    """The derived features of rows that are given by what they have."""
    complete = [NOTHING | row for row in rows]
    columns = {name: [row[name] for row in complete] for name in NOTHING}
    found = derive(columns)
    return [{name: values[place] for name, values in found.items()} for place in range(len(rows))]


@pytest.mark.parametrize(
    ("row", "feature", "expected"),
    [
        ({}, "hour", 0),
        ({"request_time": MONDAY + DAY - 1}, "hour", 23),
        ({}, "weekday", 0),
        ({"request_time": MONDAY + 6 * DAY + 5 * HOUR}, "weekday", 6),
        ({"item_available_from": MONDAY - 36 * HOUR}, "item_age_days", 1.5),
        ({"item_available_from": None}, "item_age_days", None),
        ({"item_views_1d": 3.0, "item_views_7d": 4.0}, "item_trend", 0.75),
        ({"item_views_1d": 0.0, "item_views_7d": 0.0}, "item_trend", None),
        ({"user_views_60d": 8.0, "ut_views_60d": 2.0}, "user_topic_share", 0.25),
        ({"user_views_60d": 8.0, "ut_views_60d": None}, "user_topic_share", None),
        ({"user_views_60d": 8.0, "uc_views_60d": 4.0}, "user_creator_share", 0.5),
        ({"surface": None}, "surface_code", None),
        ({"surface": ""}, "surface_code", None),
        ({"item_topics": ["a", "b"], "user_stated_topics": ["b", "c"]}, "stated_overlap", 0.5),
        ({"item_topics": ["a", "b"], "user_stated_topics": []}, "stated_overlap", 0),
        ({"item_topics": [], "user_stated_topics": ["a"]}, "stated_overlap", None),
        ({"item_topics": None, "user_stated_topics": ["a"]}, "stated_overlap", None),
        ({"item_topics": ["a"], "user_stated_topics": None}, "stated_overlap", None),
        ({"item_topics": ["a", "b"], "stated_topics": ["b"]}, "stated_overlap", 0.5),
        ({"item_topics": ["a", "b"], "user_stated_topics": ["b"], "stated_topics": ["a", "b"]}, "stated_overlap", 1),
        ({"item_topics": ["a", "b"], "user_stated_topics": ["b"], "stated_topics": ["c"]}, "stated_overlap", 0.5),
        ({"item_topics": ["a", "b"], "user_stated_topics": None, "stated_topics": []}, "stated_overlap", 0),
    ],
)
def test_each_feature_has_its_value_or_is_missing(row, feature, expected):
    (found,) = derived(row)
    assert found[feature] == expected
    assert found[feature] is None or isinstance(found[feature], np.float32)


def test_a_surface_has_one_code_whatever_comes_with_it():
    (alone,) = derived({"surface": "home"})
    among = derived({"surface": "search"}, {"surface": "home"}, {"surface": None})
    assert alone["surface_code"] == among[1]["surface_code"] != among[0]["surface_code"]
    assert among[2]["surface_code"] is None


def test_no_rows_give_no_values():
    assert derive({name: [] for name in NOTHING}) == {name: [] for name in derived({})[0]}


TOPIC_LISTS = st.none() | st.lists(st.sampled_from("abcd"), max_size=4)


@st.composite
def rows(draw) -> dict:
    top = draw(st.none() | st.lists(st.sampled_from("abcd"), max_size=4, unique=True))
    share = st.floats(0, 1, width=32)
    return {
        "item_topics": draw(TOPIC_LISTS),
        "user_stated_topics": draw(TOPIC_LISTS),
        "stated_topics": draw(TOPIC_LISTS),
        "user_top_topics": top,
        "user_top_topic_shares": None if top is None else draw(st.lists(share, min_size=len(top), max_size=len(top))),
    }


@settings(deadline=None)
@given(st.lists(rows(), min_size=1, max_size=8))
def test_topic_overlap_is_the_sum_of_the_shares_of_the_items_topics(given_rows):
    for row, found in zip(given_rows, derived(*given_rows), strict=True):
        item, top = row["item_topics"], row["user_top_topics"]
        if item is None or top is None:
            assert found["topic_overlap"] is None
            continue
        shares = dict(zip(top, row["user_top_topic_shares"], strict=True))
        assert found["topic_overlap"] == np.float32(sum(shares.get(topic, 0.0) for topic in item))


TYPES = {
    "surface": pa.string(), "item_topics": WORDS, "user_top_topics": WORDS, "user_stated_topics": WORDS,
    "stated_topics": WORDS, "user_top_topic_shares": pa.list_(pa.float32()),
}  # fmt: skip
COUNTS = st.none() | st.floats(0, 1e6, width=32)


@st.composite
def complete_rows(draw) -> dict:
    counted = ("item_views_1d", "item_views_7d", "user_views_60d", "ut_views_60d", "uc_views_60d")
    return draw(rows()) | {name: draw(COUNTS) for name in counted} | {
        "request_time": draw(st.integers(0, 2**52)),
        "item_available_from": draw(st.none() | st.integers(0, 2**52)),
        "surface": draw(st.none() | st.sampled_from(["", "home", "search"])),
    }  # fmt: skip


def as_columns(complete: list[dict]) -> dict[str, np.ndarray | pa.Array]:
    """As the reader has them: numbers as float64 with NaN, other columns as Arrow arrays."""
    given_columns = {name: [row[name] for row in complete] for name in NOTHING}
    return {
        name: pa.array(values, TYPES[name]) if name in TYPES else np.array(values, dtype=np.float64)
        for name, values in given_columns.items()
    }


@settings(deadline=None)
@given(st.lists(complete_rows(), min_size=1, max_size=8))
def test_lists_and_columns_give_the_same_bits(given_rows):
    complete = [NOTHING | row for row in given_rows]
    lists = derive({name: [row[name] for row in complete] for name in NOTHING})
    columns = derive(as_columns(complete))
    assert lists.keys() == columns.keys()
    for name, values in columns.items():
        assert values.dtype == np.float32
        from_lists = np.array([np.nan if value is None else value for value in lists[name]], dtype=np.float32)
        assert from_lists.view(np.uint32).tolist() == values.view(np.uint32).tolist(), name


@settings(deadline=None)
@given(st.lists(rows(), min_size=1, max_size=8))
def test_a_row_has_the_same_bits_alone_and_among_others(given_rows):
    together = derived(*given_rows)
    assert together == [derived(row)[0] for row in given_rows]


@settings(deadline=None)
@given(rows(), st.lists(TOPIC_LISTS, min_size=1, max_size=8))
def test_one_users_lists_beside_many_items_say_what_they_say_beside_each(user, items):
    given_rows = [user | {"item_topics": topics} for topics in items]
    assert derived(*given_rows) == [derived(row)[0] for row in given_rows]
