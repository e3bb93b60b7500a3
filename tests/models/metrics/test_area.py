"""AUC against scikit-learn, on random groups with ties."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_rankings import rows
from sklearn.metrics import roc_auc_score

from models import metrics


@settings(deadline=None)
@given(rows(distinct=False))
def test_auc_with_ties_is_scikit_learns(data):
    _, labels, scores = data
    if labels.all() or not labels.any():
        assert np.isnan(metrics.auc(labels, scores))
    else:
        assert metrics.auc(labels, scores) == pytest.approx(roc_auc_score(labels, scores))


@settings(deadline=None)
@given(rows(distinct=False))
def test_auc_by_user_is_scikit_learns_for_each_user_with_both_outcomes(data):
    users, labels, scores = data
    both = [user for user in np.unique(users) if len(set(labels[users == user])) == 2]
    codes, values, exposures = metrics.auc_by_user(users, labels, scores)
    assert codes.tolist() == both
    expected = [roc_auc_score(labels[users == user], scores[users == user]) for user in both]
    np.testing.assert_allclose(values, np.array(expected).reshape(len(both)))
    assert exposures.tolist() == [np.count_nonzero(users == user) for user in both]


@settings(deadline=None)
@given(rows(distinct=False), st.integers(0, 2**32))
def test_a_row_that_counts_twice_is_two_rows(data, seed):
    _, labels, scores = data
    times = np.random.default_rng(seed).integers(0, 3, len(labels))
    weighted = metrics.auc(labels, scores, times)
    assert weighted == pytest.approx(metrics.auc(np.repeat(labels, times), np.repeat(scores, times)), nan_ok=True)
