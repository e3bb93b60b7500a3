"""Explanations keep the largest parts apart and lose nothing of the sum."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from models.explain import explanations

FEATURES = ["user_age", "hour", "item_year", "weekday"]
PARTS = arrays(np.float32, (3, 5), elements=st.floats(-100, 100, width=32))


@given(PARTS, st.integers(0, 6))
def test_base_and_parts_and_rest_are_all_there_is(parts, most):
    values = np.arange(12, dtype=np.float32).reshape(3, 4)
    for own, told in zip(parts, explanations(FEATURES, values, parts, most), strict=True):
        named = sum(part.contribution for part in told.contributions)
        assert told.base + named + told.rest == pytest.approx(own.astype(np.float64).sum(), abs=1e-9)
        assert len(told.contributions) == min(most, np.count_nonzero(own[:4]), 4)


def test_the_largest_come_first_whatever_their_sign_and_those_of_nothing_not_at_all():
    parts = np.array([[1, -3, 0, 2, 10]], np.float32)
    (told,) = explanations(FEATURES, np.array([[30, 9, 2000, 6]], np.float32), parts, 3)
    assert [(part.feature, part.value, part.contribution) for part in told.contributions] == [
        ("hour", 9.0, -3.0), ("weekday", 6.0, 2.0), ("user_age", 30.0, 1.0)
    ]  # fmt: skip
    assert told.contributions[2].text == "you are 30 years old"
    assert (told.base, told.rest) == (10.0, 0.0)


def test_what_is_missing_or_the_same_of_all_is_no_reason():
    values = np.array([[30, np.nan, 1999, 6], [30, 7, 2001, np.nan]], np.float32)
    parts = np.array([[5, -3, 1, 2, 10], [5, 4, 1, 2, 10]], np.float32)
    first, second = explanations(FEATURES, values, parts)
    assert [part.feature for part in first.contributions] == ["weekday", "item_year"] and first.rest == 2
    assert [part.feature for part in second.contributions] == ["hour", "item_year"] and second.rest == 7


def test_the_score_of_a_source_is_told_by_how_many_of_the_candidates_have_less():
    among = np.array([[3, 1], [1, 1], [2, 1], [2, 1], [np.nan, 1]], np.float32)
    parts = np.array([[5, 0, 0], [5, 0, 0], [5, 0, 0]], np.float32)
    found = explanations(["als_score", "hour"], among[:3], parts, among=among)
    fits = "it fits what people with your taste watch"
    assert [each.contributions[0].text for each in found] == [
        f"{fits} best of all candidates", f"{fits} least of all candidates", f"{fits} as well as most candidates"
    ]  # fmt: skip
    (alone,) = explanations(["als_score", "hour"], among[:1], parts[:1], among=among[:1])
    assert alone.contributions[0].text == "how well it fits what people with your taste watch"


def test_contributions_of_other_features_are_refused():
    with pytest.raises(ValueError, match=r"expected \[1, 5\]"):
        explanations(FEATURES, np.zeros((1, 4), np.float32), np.zeros((1, 4), np.float32))
