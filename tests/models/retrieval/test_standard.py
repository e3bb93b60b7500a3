import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models.retrieval.standard import standard

ALL = np.ones(6, bool)


@given(st.floats(0.1, 50), st.floats(-20, 20))
def test_scale_and_level_go_the_order_stays(scale, level):
    scores = np.array([0.5, 3, 1, 2, 7, 4], np.float32)
    given_scores = standard((scores * np.float32(scale) + np.float32(level)).astype(np.float32), ALL)
    np.testing.assert_allclose(given_scores, standard(scores, ALL), atol=1e-3)
    np.testing.assert_array_equal(np.argsort(given_scores), np.argsort(scores))


def test_what_is_not_allowed_does_not_count_and_the_unknown_count_as_nothing():
    scores = np.array([2, np.nan, 4, 100], np.float32)
    allowed = np.array([True, True, True, False])
    found = standard(scores, allowed)
    assert np.isnan(found[1]) and found[0] == 0
    np.testing.assert_allclose(found[2], 2 / np.std([2, 0, 4]), rtol=1e-6)


def test_equal_scores_are_no_division_by_zero():
    assert standard(np.full(3, 5, np.float32), np.ones(3, bool)).tolist() == [0, 0, 0]
    assert len(standard(np.zeros(0, np.float32), np.ones(3, bool))) == 0
