"""How rows and lists are brought into one order."""

import numpy as np
import pytest
from hypothesis import given, settings
from random_rankings import lists

from models import metrics


def test_equal_scores_do_not_follow_the_order_of_the_rows():
    groups, labels = np.repeat(np.arange(2_000), 20), np.tile([1] + [0] * 19, 2_000)
    found = metrics.recall(metrics.rank(groups, labels, np.zeros(len(groups))), 1).mean()
    assert found == pytest.approx(1 / 20, abs=0.02)


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


@settings(deadline=None)
@given(lists())
def test_a_ranking_of_lists_keeps_their_order_and_knows_what_was_wanted(data):
    answered, wanted = data
    ranking = metrics.listed(answered, wanted)
    assert ranking.sizes.tolist() == [len(places) for places in answered]
    assert ranking.relevant.tolist() == [len(places) for places in wanted]
    assert ranking.ranks.tolist() == [at for places in answered for at in range(len(places))]
    hits = [place in own.tolist() for places, own in zip(answered, wanted, strict=True) for place in places.tolist()]
    assert ranking.labels.tolist() == hits


def test_an_empty_list_counts_as_a_list_without_a_hit():
    ranking = metrics.listed([np.array([1]), np.zeros(0, int), np.zeros(0, int)], [np.array([1])] * 3)
    assert metrics.recall(ranking, 5).tolist() == [1, 0, 0]


def test_a_list_without_its_wishes_is_refused():
    with pytest.raises(ValueError, match="expected one for each of 1 requests, found 2"):
        metrics.listed([np.array([1]), np.array([2])], [np.array([1])])
