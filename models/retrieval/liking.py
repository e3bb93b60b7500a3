"""What a viewer likes, as a row of the matrix that collaborative sources are fitted on."""

import numpy as np

from models.viewer import Viewer


def liking(viewer: Viewer, items: int) -> tuple[np.ndarray, np.ndarray]:
    """(places int64 [n], ascending, each once, weights float32 [n], the greatest of each), of places below `items`."""
    places, weights = viewer.weighed
    known = slice(np.searchsorted(places, items))
    return places[known], weights[known]
