import numpy as np

from models.learning.hard import EVERY, FIRST, both, hard
from models.rankers.examples import Examples

GROUPS, EACH = 40, 200


def examples(wanted):
    """One feature that tells what is wanted, with noise."""
    random = np.random.default_rng(2)
    groups = np.repeat(np.arange(len(wanted)), len(wanted[0]))
    labels = np.concatenate(wanted).astype(np.int8)
    matrix = (labels + random.normal(size=len(labels))).astype(np.float32)[:, None]
    return Examples(matrix, labels, groups, groups, features=["told"])


def test_the_first_by_a_first_ranker_stay_and_some_of_the_rest():
    wanted = [np.arange(EACH) < 5 for _ in range(GROUPS)]
    given = examples(wanted)
    kept = hard(given)
    sizes = np.bincount(kept.groups, minlength=GROUPS)
    assert (sizes == FIRST + (EACH - FIRST) // EVERY).all()
    assert kept.matrix.mean() > given.matrix.mean()
    assert (np.diff(kept.groups) >= 0).all()


def test_questions_without_a_right_row_or_with_no_other_leave():
    wanted = [np.array([True, False]), np.array([True, True]), np.array([False, False]), np.array([False, True])]
    assert np.unique(both(examples(wanted)).groups).tolist() == [0, 3]
