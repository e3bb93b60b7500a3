import numpy as np
import tastes

from models.retrieval.walks import Walks


def test_weights_are_walks_of_three_steps_with_popular_ends_held_back():
    acts = tastes.acts()
    cells = (acts.matrix().toarray() > 0).astype(np.float64)
    users = np.maximum(cells.sum(axis=0), 1)
    back = (cells / users).T @ (cells / cells.sum(axis=1, keepdims=True))
    expected = back / np.sqrt(users)
    np.fill_diagonal(expected, 0)
    np.testing.assert_allclose(Walks.fit(acts, tastes.items()).weights.toarray(), expected, atol=1e-6)
