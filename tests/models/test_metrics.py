"""Every measure against scikit-learn or its plain definition, on random groups with ties."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import ndcg_score, roc_auc_score

from models import metrics


@st.composite
def rows(draw, distinct: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Groups, labels and scores of up to 60 rows; distinct scores or many ties."""
    size = draw(st.integers(1, 60))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    scores = random.permutation(size).astype(float) if distinct else random.integers(0, 4, size).astype(float)
    return random.integers(-3, 6, size), random.integers(0, 2, size), scores


def by_group(groups, labels, scores):
    """Each group's labels from the best score down, in the order of the sorted codes."""
    for code in np.unique(groups):
        best_first = np.argsort(-scores[groups == code])
        yield labels[groups == code][best_first], scores[groups == code][best_first]


@given(rows(distinct=True), st.integers(1, 12))
def test_ndcg_is_scikit_learns(data, k):
    found = metrics.ndcg(metrics.rank(*data), k)
    for value, (labels, scores) in zip(found, by_group(*data), strict=True):
        if not labels.any():
            assert np.isnan(value)
        elif len(labels) > 1:  # scikit-learn refuses a single row
            assert value == pytest.approx(ndcg_score([labels], [scores], k=k))


@given(rows(distinct=True), st.integers(1, 12))
def test_recall_is_the_share_of_positives_among_the_first_k(data, k):
    found = metrics.recall(metrics.rank(*data), k)
    expected = [labels[:k].sum() / labels.sum() if labels.any() else np.nan for labels, _ in by_group(*data)]
    np.testing.assert_allclose(found, expected)


@given(rows(distinct=True), st.integers(1, 12))
def test_average_precision_is_its_plain_definition(data, k):
    def plain(labels):
        if not labels.any():
            return np.nan
        hits = [labels[: place + 1].mean() for place in range(min(k, len(labels))) if labels[place]]
        return sum(hits) / min(labels.sum(), k)

    found = metrics.average_precision(metrics.rank(*data), k)
    np.testing.assert_allclose(found, [plain(labels) for labels, _ in by_group(*data)])


@given(rows(distinct=False))
def test_auc_with_ties_is_scikit_learns(data):
    _, labels, scores = data
    if labels.all() or not labels.any():
        assert np.isnan(metrics.auc(labels, scores))
    else:
        assert metrics.auc(labels, scores) == pytest.approx(roc_auc_score(labels, scores))


@given(rows(distinct=False))
def test_auc_by_user_is_scikit_learns_for_each_user_with_both_outcomes(data):
    users, labels, scores = data
    both = [user for user in np.unique(users) if len(set(labels[users == user])) == 2]
    codes, values, exposures = metrics.auc_by_user(users, labels, scores)
    assert codes.tolist() == both
    expected = [roc_auc_score(labels[users == user], scores[users == user]) for user in both]
    np.testing.assert_allclose(values, np.array(expected).reshape(len(both)))
    assert exposures.tolist() == [np.count_nonzero(users == user) for user in both]


@given(rows(distinct=False), st.integers(0, 2**32))
def test_a_row_that_counts_twice_is_two_rows(data, seed):
    _, labels, scores = data
    times = np.random.default_rng(seed).integers(0, 3, len(labels))
    weighted = metrics.auc(labels, scores, times)
    assert weighted == pytest.approx(metrics.auc(np.repeat(labels, times), np.repeat(scores, times)), nan_ok=True)


@given(rows(distinct=False), st.integers(1, 12))
def test_measures_do_not_fall_when_a_positive_rises_to_the_top(data, k):
    groups, labels, scores = data
    lifted = np.where(labels == 1, scores + 10, scores)
    for measure in (metrics.ndcg, metrics.recall, metrics.average_precision):
        before, after = measure(metrics.rank(*data), k), measure(metrics.rank(groups, labels, lifted), k)
        assert np.all((after >= before - 1e-12) | np.isnan(before))
        if measure is not metrics.recall:
            np.testing.assert_allclose(after[~np.isnan(after)], 1)


def test_equal_scores_do_not_follow_the_order_of_the_rows():
    groups, labels = np.repeat(np.arange(2_000), 20), np.tile([1] + [0] * 19, 2_000)
    found = metrics.recall(metrics.rank(groups, labels, np.zeros(len(groups))), 1).mean()
    assert found == pytest.approx(1 / 20, abs=0.02)


def test_coverage_counts_the_items_among_the_first_k_of_any_group():
    ranking = metrics.rank(np.array([1, 1, 2, 2]), np.array([1, 0, 0, 1]), np.array([0.9, 0.1, 0.8, 0.2]))
    assert metrics.coverage(ranking, np.array([5, 6, 5, 7]), k=1, catalogue=4) == 0.25
    assert metrics.coverage(ranking, np.array([5, 6, 5, 7]), k=2, catalogue=4) == 0.75


def test_a_missing_score_and_a_strange_label_are_refused():
    with pytest.raises(ValueError, match="scores: expected finite numbers, found 1"):
        metrics.rank(np.array([0]), np.array([1]), np.array([np.nan]))
    with pytest.raises(ValueError, match="labels: expected 0 or 1, found"):
        metrics.auc(np.array([2, 0]), np.array([1.0, 2.0]))


def test_nothing_to_rank_gives_nothing():
    none = np.zeros(0)
    ranking = metrics.rank(none.astype(int), none, none)
    assert len(metrics.ndcg(ranking, 10)) == len(metrics.recall(ranking, 10)) == 0
    assert len(metrics.average_precision(ranking, 10)) == 0
    assert np.isnan(metrics.auc(none, none))
    assert len(metrics.auc_by_user(none, none, none)[0]) == 0
