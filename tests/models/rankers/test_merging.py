"""Boosters as one: the weighted sum of their margins."""

import numpy as np
import pytest
import xgboost

from models.rankers.merging import merged
from models.rankers.trees import Trees

OBJECTIVES = ("binary:logistic", "rank:ndcg", "reg:squarederror")


def grown(objective: str, names: list[str], rounds: int = 7) -> tuple[xgboost.Booster, np.ndarray]:
    random = np.random.default_rng(3)
    matrix = random.normal(size=(300, 3)).astype(np.float32)
    labels = (matrix[:, 0] + random.normal(size=300) > 0.4).astype(np.float32)
    matrix[random.random(matrix.shape) < 0.1] = np.nan
    part = xgboost.DMatrix(matrix, labels, feature_names=names, qid=np.repeat(np.arange(30), 10))
    return xgboost.train({"objective": objective, "nthread": 1, "seed": 1}, part, rounds), matrix


@pytest.mark.parametrize("weights", [(1.0, 0.5, 2.0), (0.0, 1.0, -3.0)])
def test_its_margin_is_the_weighted_sum_of_theirs(weights):
    pairs = [grown(objective, ["a", "b", "c"], 5 + place) for place, objective in enumerate(OBJECTIVES)]
    boosters, matrix = [booster for booster, _ in pairs], pairs[0][1]
    whole = Trees(merged(boosters, weights))
    expected = sum(Trees(booster).score(matrix) * weight for booster, weight in zip(boosters, weights, strict=True))
    np.testing.assert_allclose(whole.score(matrix), expected, atol=2e-5)
    np.testing.assert_allclose(whole.contributions(matrix).sum(axis=1), expected, atol=2e-5)
    assert whole.booster.num_boosted_rounds() == 5 + 6 + 7


def test_boosters_of_other_features_are_refused():
    boosters = [grown("binary:logistic", names)[0] for names in (["a", "b", "c"], ["a", "c", "b"])]
    with pytest.raises(ValueError, match="expected the same features in all"):
        merged(boosters, [1.0, 1.0])
