import numpy as np

from models.retrieval.liking import liking
from models.viewer import PICKED, Viewer


def test_each_item_comes_once_with_its_greatest_weight_picks_among_them():
    viewer = Viewer(items=np.array([4, 2, 4, 9]), weights=np.array([1, 0.5, 3, 1], np.float32), picked=np.array([2]))
    places, weights = liking(viewer, 9)
    assert places.tolist() == [2, 4]
    assert weights.tolist() == [PICKED, 3]


def test_nobody_likes_nothing():
    places, weights = liking(Viewer(), 5)
    assert len(places) == len(weights) == 0
