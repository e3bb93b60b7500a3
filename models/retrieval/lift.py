"""How much more often than everybody a viewer comes to items of a kind, as logarithms: above 0 is more often."""

import numpy as np

DRAWN = 5.0  # acts at everybody's shares, from which a viewer's own shares start


def lifts(own: np.ndarray, shares: np.ndarray, acts: float) -> np.ndarray:
    """float64 [kinds]. own: a viewer's acts on items of each kind; acts: all theirs. shares: everybody's, above 0."""
    return np.log((own + DRAWN * shares) / ((acts + DRAWN) * shares))
