import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from models.retrieval.source import best

SCORES = st.lists(st.one_of(st.integers(-3, 3), st.just(np.nan)), max_size=900)


@settings(deadline=None)
@given(SCORES, st.integers(0, 60), st.randoms(use_true_random=False))
def test_the_best_of_what_is_allowed_ties_by_place(scores, most, random):
    allowed = np.array([random.random() < 0.8 for _ in [*scores, 0, 0]])
    values = np.array(scores, np.float32)
    usable = [place for place in range(len(values)) if allowed[place] and not np.isnan(values[place])]
    found = best(values, allowed, most)
    assert found.places.tolist() == sorted(usable, key=lambda place: (-values[place], place))[:most]
    np.testing.assert_array_equal(found.of(found.places), found.scores)


def test_a_sample_that_misleads_changes_nothing():
    scores = np.zeros(2_000, np.float32)
    scores[::16] = np.arange(125)  # the sample has them all
    scores[7::16] = 1_000
    found = best(scores, np.ones(2_000, bool), 130)
    assert set(found.scores[:125].tolist()) == {1_000} and found.scores[125:].tolist() == [124, 123, 122, 121, 120]


def test_a_place_that_the_scores_do_not_have_is_unknown():
    found = best(np.ones(3, np.float32), np.ones(5, bool), 2)
    assert np.isnan(found.of(np.array([4, 3]))).all() and found.of(np.array([2])) == [1]
