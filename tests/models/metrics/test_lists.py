import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models import metrics


@st.composite
def cut_lists(draw):
    """(list, wanted, offered): places of a list cut anywhere, of what was wanted, and how many were offered."""
    offered = draw(st.integers(2, 12))
    order = draw(st.permutations(range(offered)))
    wanted = draw(st.lists(st.integers(0, offered - 1), min_size=1, max_size=offered - 1, unique=True))
    return np.array(order[: draw(st.integers(0, offered))], np.int64), np.array(wanted), offered


def plainly(listed, wanted, offered):
    """Pair by pair: a wanted item beside each other one, what is not in the list ranking behind it all alike."""
    rank = {place: number for number, place in enumerate(listed.tolist())}
    pairs = [(rank.get(w, offered), rank.get(o, offered)) for w in wanted for o in set(range(offered)) - set(wanted)]
    return np.mean([1.0 if w < o else 0.5 if w == o else 0.0 for w, o in pairs])


@given(cut_lists())
def test_the_area_of_a_cut_list_counts_what_is_behind_it_as_one_tie(case):
    listed, wanted, offered = case
    found = metrics.auc_within(metrics.listed([listed], [wanted]), np.array([offered]))
    np.testing.assert_allclose(found, [plainly(listed, wanted.tolist(), offered)], atol=1e-12)


def test_whole_groups_have_their_usual_area():
    random = np.random.default_rng(1)
    groups, scores = np.repeat([0, 1, 2], 20), random.random(60)
    labels = random.integers(0, 2, 60)
    ranking = metrics.rank(groups, labels, scores)
    usual = [metrics.auc(labels[groups == g], scores[groups == g]) for g in range(3)]
    np.testing.assert_allclose(metrics.auc_within(ranking, ranking.sizes), usual)


def test_nothing_is_told_where_nothing_is_wanted_or_nothing_else_was_offered():
    lists = [np.array([0, 1]), np.array([3])]
    ranking = metrics.listed(lists, [np.zeros(0, np.int64), np.array([3])])
    assert np.isnan(metrics.auc_within(ranking, np.array([5, 1]))).all()
