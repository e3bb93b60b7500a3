import numpy as np

from models import metrics
from models.interactions import Interactions

ACTS = Interactions(
    users=np.array([0, 0, 2], np.int32), items=np.array([1, 1, 3], np.int32), times=np.arange(3),
    weights=np.ones(3, np.float32), watched=np.ones(3, np.float32), ratings=np.ones(3, np.float32),
    user_ids=np.array(list("abc"), object), item_ids=np.array(list("wxyz"), object),
)  # fmt: skip


def test_users_and_items_with_few_acts_are_cold_also_those_without_any():
    assert metrics.cold_users(ACTS, fewer=2).tolist() == [False, True, True]
    assert metrics.cold_items(ACTS, fewer=1).tolist() == [True, False, True, False]


def test_cold_items_are_looked_for_among_all():
    answered, wanted = [np.array([1, 0]), np.array([3])], [np.array([0, 1]), np.array([3])]
    cold = metrics.listed(answered, metrics.wanted_among(wanted, metrics.cold_items(ACTS, fewer=1)))
    found = metrics.reciprocal_rank(cold)
    assert found[0] == 0.5 and np.isnan(found[1])
