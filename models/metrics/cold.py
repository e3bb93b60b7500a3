"""Users and items of which little is known, to be looked at apart: means over all hide how they fare."""

from collections.abc import Sequence

import numpy as np

from models.interactions import Interactions


def cold_users(acts: Interactions, fewer: int = 5) -> np.ndarray:
    """bool [users]: who has fewer than so many acts in what was learned from."""
    return np.bincount(acts.users, minlength=acts.shape[0]) < fewer


def cold_items(acts: Interactions, fewer: int = 5) -> np.ndarray:
    """bool [items]: what has fewer than so many acts in what was learned from."""
    return np.bincount(acts.items, minlength=acts.shape[1]) < fewer


def wanted_among(wanted: Sequence[np.ndarray], chosen: np.ndarray) -> list[np.ndarray]:
    """Of what was wanted of each request, the places that are chosen, bool [items]; lists stay as they were answered.

    With `cold_items` for `chosen`, the measures of `listed` tell how well cold items are found among all.
    """
    return [places[chosen[places]] for places in wanted]
