"""What is saved is what is loaded, bit by bit."""

import json

import numpy as np
import pytest
import xgboost

from models.ranker import Ranker

FEATURES = ["b", "a", "c"]


def grown() -> tuple[Ranker, np.ndarray]:
    random = np.random.default_rng(1)
    matrix = random.random((200, 3)).astype(np.float32)
    matrix[random.random(matrix.shape) < 0.2] = np.nan
    booster = xgboost.train({}, xgboost.DMatrix(matrix, np.nan_to_num(matrix).sum(axis=1)), 10)
    return Ranker.of(booster, FEATURES, {"label_rule": "click"}), matrix


def test_a_loaded_ranker_scores_as_the_saved_one(tmp_path):
    ranker, matrix = grown()
    ranker.save(tmp_path)
    loaded = Ranker.load(tmp_path)
    assert loaded.features == FEATURES and loaded.about == {"label_rule": "click"}
    assert loaded.score(matrix).dtype == np.float32
    np.testing.assert_array_equal(loaded.score(matrix), ranker.score(matrix))
    np.testing.assert_array_equal(ranker.score(matrix), ranker.model.booster.predict(xgboost.DMatrix(matrix)))


def test_no_rows_have_no_scores_and_other_columns_are_refused():
    ranker, matrix = grown()
    assert ranker.score(matrix[:0]).shape == (0,)
    with pytest.raises(ValueError, match=r"expected \[rows, 3\], found \[200, 2\]"):
        ranker.score(matrix[:, :2])


def test_files_that_do_not_belong_together_are_refused(tmp_path):
    ranker, _ = grown()
    ranker.save(tmp_path)
    (tmp_path / "model.json").write_text(json.dumps({"features": ["a"]}))
    with pytest.raises(ValueError, match=r"takes 3 features, model\.json names 1"):
        Ranker.load(tmp_path)
