import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.metrics import ndcg, rank
from models.rankers import choice, lambdamart, pair
from models.rankers.examples import Examples

GROUPS, EACH = 400, 10


def examples(seed: int) -> Examples:
    """What is wanted follows a line in the first feature, and a bend in the second."""
    random = np.random.default_rng(seed)
    matrix = random.normal(size=(GROUPS * EACH, 3)).astype(np.float32)
    utility = 1.2 * matrix[:, 0] + 2 * (np.abs(matrix[:, 1]) < 0.5) + random.gumbel(size=len(matrix))
    labels = np.zeros((GROUPS, EACH), np.int8)
    labels[np.arange(GROUPS), utility.reshape(GROUPS, EACH).argmax(axis=1)] = 1
    groups = np.repeat(np.arange(GROUPS), EACH)
    return Examples(matrix, labels.ravel(), groups, groups, features=["line", "bend", "noise"])


KNOWN, NEW = examples(1), examples(2)
MODEL = pair.fit(KNOWN)


def worth(scores):
    return np.nanmean(ndcg(rank(NEW.groups, NEW.labels, scores), 10))


def test_where_one_feature_is_a_line_and_another_bends_it_is_ahead_of_the_line():
    assert worth(MODEL.score(NEW.matrix)) > worth(choice.fit(KNOWN).score(NEW.matrix)) + 0.02


def test_trees_count_half_as_much_as_the_line():
    line, trees = choice.fit(KNOWN), lambdamart.fit(KNOWN, pair.TREES)
    both = MODEL.score(KNOWN.matrix) - line.score(KNOWN.matrix)
    assert np.std(both) == pytest.approx(pair.SHARE * np.std(line.score(KNOWN.matrix)), rel=1e-3)
    assert np.corrcoef(both, trees.score(KNOWN.matrix))[0, 1] == pytest.approx(1, abs=1e-4)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None)
def test_contributions_add_up_to_the_score(seed):
    random = np.random.default_rng(seed)
    matrix = random.normal(size=(9, 3), scale=3).astype(np.float32)
    matrix[random.random(matrix.shape) < 0.3] = np.nan
    np.testing.assert_allclose(MODEL.contributions(matrix).sum(axis=1), MODEL.score(matrix), atol=1e-4)


def test_it_is_saved_and_loaded(tmp_path):
    MODEL.save(tmp_path)
    found = pair.load(tmp_path)
    assert found.width == 3
    np.testing.assert_array_equal(found.score(NEW.matrix), MODEL.score(NEW.matrix))


def test_each_part_takes_its_own_parameters():
    flat = pair.fit(KNOWN, {"choice": {"ridge": 1e9}, "lambdamart": {"rounds": 4}})
    assert np.abs(flat.line.slope).max() < 1e-3
    assert flat.trees.booster.num_boosted_rounds() <= 4
