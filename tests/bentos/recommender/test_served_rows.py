"""The rows of the served log: one an item, with the numbers that were scored."""

from datetime import UTC, datetime

import numpy as np
import pytest

from bentos.recommender.query import STORE_UNAVAILABLE, ranked
from bentos.recommender.seeds import in_sample
from bentos.recommender.served_rows import COLUMNS, served_rows, served_schema

SCHEMA = served_schema(["views", "share"])
REQUEST = {"request_id": "r", "as_of": datetime(2026, 3, 1, tzinfo=UTC), "user_id": "u", "model_version": "v"}
ITEMS = np.array(["a", "b", "c"], dtype=object)
SCORES = np.array([0.1, 0.3, 0.2], dtype=np.float32)
FEATURES = np.array([[1, np.nan], [2, 0.5], [3, np.nan]], dtype=np.float32)


def test_returned_rows_follow_the_answer_and_keep_missing_missing():
    rows = served_rows(SCHEMA, ranked(ITEMS, SCORES, FEATURES, None), 2, False, **REQUEST)
    assert rows["item_id"].to_pylist() == ["b", "c"]
    assert rows["slot"].to_pylist() == [1, 2]
    assert rows["score"].to_pylist() == [float(np.float32(0.3)), float(np.float32(0.2))]
    assert rows["views"].to_pylist() == [2, 3]
    assert rows["share"].to_pylist() == [0.5, None]
    assert rows.schema == SCHEMA


def test_a_sampled_request_has_all_rows_and_slots_only_for_what_was_returned():
    rows = served_rows(SCHEMA, ranked(ITEMS, SCORES, FEATURES, None), 2, True, **REQUEST)
    assert rows["slot"].to_pylist() == [1, 2, None]
    assert rows["returned"].to_pylist() == [True, True, False]


def test_a_fallback_has_no_features():
    rows = served_rows(SCHEMA, ranked(ITEMS, SCORES, None, STORE_UNAVAILABLE), 3, False, fallback="why", **REQUEST)
    assert rows["views"].null_count == rows["share"].null_count == 3
    assert rows["fallback"].to_pylist() == ["why"] * 3


def test_an_empty_answer_has_no_rows():
    nothing = ranked(ITEMS[:0], SCORES[:0], FEATURES[:0], None)
    assert served_rows(SCHEMA, nothing, 0, True, **REQUEST).num_rows == 0


def test_a_feature_must_not_be_named_like_a_column_of_the_log():
    with pytest.raises(ValueError, match=r"\['score'\] have the names of columns"):
        served_schema(["views", "score"])
    assert served_schema([]) == COLUMNS


def test_equal_scores_keep_the_order_in_which_candidates_came():
    assert ranked(ITEMS, np.zeros(3, np.float32), None, None).item_ids.tolist() == ["a", "b", "c"]


def test_the_sample_is_the_asked_share_and_the_same_every_time():
    names = [f"request-{number}" for number in range(4_000)]
    chosen = [in_sample(name, 0.25) for name in names]
    assert 800 < sum(chosen) < 1_200
    assert chosen == [in_sample(name, 0.25) for name in names]
    assert not any(in_sample(name, 0) for name in names)
    assert all(in_sample(name, 1) for name in names)
