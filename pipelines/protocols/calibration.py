"""Whether a score can be read as a chance: what a rising curve, fitted to half of the users, foretells of others."""

import numpy as np
from sklearn.isotonic import IsotonicRegression

PARTS = 10


def calibration(scores: np.ndarray, labels: np.ndarray, users: np.ndarray) -> list[dict[str, float]]:
    """Equal parts of the other half's rows by what is foretold: rows, and the rate of positives, foretold and found.

    scores, labels (0 or 1), users (codes): [rows]. Empty where a half holds only one outcome.
    """
    first = np.random.default_rng(7).random(int(users.max(initial=-1)) + 1)[users] < 0.5
    if any(len(np.unique(labels[half])) < 2 for half in (first, ~first)):
        return []
    curve = IsotonicRegression(out_of_bounds="clip").fit(scores[first], labels[first])
    foretold, found = curve.predict(scores[~first]), labels[~first]
    order = np.argsort(scores[~first], kind="stable")
    return [
        {"rows": len(part), "foretold": float(foretold[part].mean()), "found": float(found[part].mean())}
        for part in np.array_split(order, PARTS)
        if len(part)
    ]
