import numpy as np
import pytest
import tastes
from scipy.sparse import csr_array

from models.retrieval import linear
from models.retrieval.item_item import users_rows

ROWS = users_rows(tastes.acts().matrix())


def test_ease_is_the_ridge_regression_of_each_item_on_all_others():
    cells, ridge, item = ROWS.toarray().astype(np.float64), 3.0, 7
    others = np.delete(np.arange(cells.shape[1]), item)
    left = cells[:, others].T @ cells[:, others] + ridge * np.eye(len(others))
    expected = np.linalg.solve(left, cells[:, others].T @ cells[:, item])
    weights = linear.linear(ROWS, ridge)
    np.testing.assert_allclose(weights[others, item], expected, atol=1e-5)
    assert weights[item, item] == 0


def test_beyond_the_dense_size_weights_are_cosines_of_the_nearest(monkeypatch):
    monkeypatch.setattr(linear, "DENSE", 10)
    weights = linear.linear(ROWS, 3.0)
    cells = ROWS.toarray().astype(np.float64)
    lengths = np.linalg.norm(cells, axis=0)
    lengths[lengths == 0] = 1
    expected = (cells.T @ cells) / lengths / lengths[:, None]
    np.fill_diagonal(expected, 0)
    np.testing.assert_allclose(weights.toarray(), expected, atol=1e-5)


def test_only_the_nearest_of_each_row_are_kept_and_what_equals_the_last_of_them(monkeypatch):
    monkeypatch.setattr(linear, "NEIGHBOURS", 2)
    pairs = csr_array(np.array([[0, 3, 1, 2], [5, 0, 5, 5], [0, 0, 0, 0], [1, 0, 0, 0]], np.float32))
    expected = [[0, 3, 0, 2], [5, 0, 5, 5], [0, 0, 0, 0], [1, 0, 0, 0]]
    np.testing.assert_array_equal(linear.nearest(pairs).toarray(), expected)


@pytest.mark.parametrize("dense", [True, False])
def test_what_is_saved_is_what_is_loaded(tmp_path, dense):
    weights = linear.linear(ROWS, 3.0)
    weights = weights if dense else csr_array(np.where(weights > 0.01, weights, 0))
    linear.save(weights, tmp_path / "weights.npz")
    loaded = linear.load(tmp_path / "weights.npz")
    np.testing.assert_array_equal(linear.summed(loaded, np.array([1, 4])), linear.summed(weights, np.array([1, 4])))
