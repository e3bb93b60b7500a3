"""Every measure against scikit-learn or its plain definition, on random rows and on random lists."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_rankings import by_group, lists, rows
from sklearn.metrics import ndcg_score

from models import metrics


@settings(deadline=None)
@given(rows(distinct=True), st.integers(1, 12))
def test_ndcg_is_scikit_learns(data, k):
    found = metrics.ndcg(metrics.rank(*data), k)
    for value, (labels, scores) in zip(found, by_group(*data), strict=True):
        if not labels.any():
            assert np.isnan(value)
        elif len(labels) > 1:  # scikit-learn refuses a single row
            assert value == pytest.approx(ndcg_score([labels], [scores], k=k))


@settings(deadline=None)
@given(rows(distinct=True), st.integers(1, 12))
def test_recall_is_the_share_of_positives_among_the_first_k(data, k):
    found = metrics.recall(metrics.rank(*data), k)
    expected = [labels[:k].sum() / labels.sum() if labels.any() else np.nan for labels, _ in by_group(*data)]
    np.testing.assert_allclose(found, expected)


@settings(deadline=None)
@given(rows(distinct=True), st.integers(1, 12))
def test_average_precision_is_its_plain_definition(data, k):
    def plain(labels):
        if not labels.any():
            return np.nan
        hits = [labels[: place + 1].mean() for place in range(min(k, len(labels))) if labels[place]]
        return sum(hits) / min(labels.sum(), k)

    found = metrics.average_precision(metrics.rank(*data), k)
    np.testing.assert_allclose(found, [plain(labels) for labels, _ in by_group(*data)])


@settings(deadline=None)
@given(rows(distinct=False), st.integers(1, 12))
def test_measures_do_not_fall_when_a_positive_rises_to_the_top(data, k):
    groups, labels, scores = data
    lifted = np.where(labels == 1, scores + 10, scores)
    for measure in (metrics.ndcg, metrics.recall, metrics.average_precision):
        before, after = measure(metrics.rank(*data), k), measure(metrics.rank(groups, labels, lifted), k)
        assert np.all((after >= before - 1e-12) | np.isnan(before))
        if measure is not metrics.recall:
            np.testing.assert_allclose(after[~np.isnan(after)], 1)


def plain(name, answered, wanted, k):
    """A measure of one list as it is written down."""
    hits = [place in wanted for place in answered[:k]]
    at_hits = [sum(hits[: at + 1]) / (at + 1) for at, hit in enumerate(hits) if hit]
    gain = sum(1 / np.log2(at + 2) for at, hit in enumerate(hits) if hit)
    return {
        "ndcg": gain / sum(1 / np.log2(at + 2) for at in range(min(len(wanted), k))),
        "recall": sum(hits) / len(wanted),
        "precision": sum(hits) / k,
        "hit_rate": float(any(hits)),
        "reciprocal_rank": 1 / (hits.index(True) + 1) if any(hits) else 0,
        "average_precision": sum(at_hits) / min(len(wanted), k),
        "average_precision_of_all": sum(at_hits) / len(wanted),
    }[name]


@pytest.mark.parametrize(
    "name",
    [
        "ndcg", "recall", "precision", "hit_rate", "reciprocal_rank", "average_precision", "average_precision_of_all",
    ],
)  # fmt: skip
@settings(deadline=None)
@given(lists(), st.integers(1, 10))
def test_each_measure_of_a_list_is_its_plain_definition(name, data, k):
    found = getattr(metrics, name)(metrics.listed(*data), k)
    for value, answered, wanted in zip(found, *data, strict=True):
        if len(wanted):
            assert value == pytest.approx(plain(name, answered.tolist(), wanted.tolist(), k))
        else:
            assert np.isnan(value)


def test_a_first_hit_behind_k_counts_for_the_reciprocal_rank_only_without_k():
    ranking = metrics.listed([np.array([4, 5, 6])], [np.array([6])])
    assert metrics.reciprocal_rank(ranking).tolist() == [1 / 3]
    assert metrics.reciprocal_rank(ranking, 2).tolist() == [0]


def test_map_over_all_positives_is_smaller_where_more_is_wanted_than_the_list_holds():
    ranking = metrics.listed([np.array([0, 1])], [np.array([0, 1, 2, 3])])
    assert metrics.average_precision(ranking, 2).tolist() == [1]
    assert metrics.average_precision_of_all(ranking, 2).tolist() == [0.5]
