"""What a viewer likes, as a row of the matrix that collaborative sources are fitted on."""

import numpy as np

from models.viewer import Viewer

PICKED = 2.0  # a title somebody names as liked weighs as much as a like


def liking(viewer: Viewer, items: int) -> tuple[np.ndarray, np.ndarray]:
    """(places int64 [n], ascending, each once, weights float32 [n], the greatest of each), of places below `items`."""
    places = np.concatenate([viewer.items, viewer.picked])
    weights = np.concatenate([viewer.weights, np.full(len(viewer.picked), PICKED, np.float32)])
    known = places < items
    places, weights = places[known], weights[known].astype(np.float32)
    order = np.lexsort((-weights, places))
    places, weights = places[order], weights[order]
    first = np.ones(len(places), bool)
    first[1:] = places[1:] != places[:-1]
    return places[first], weights[first]
