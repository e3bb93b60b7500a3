"""Which columns a ranker could do without: at each request every one is read, and paid for.

What trees split on last tells chance from chance. On KuaiRand the half of the columns that moves scores least makes
2 % of all moves, and a ranker without it orders later days as well.
"""

import numpy as np

from models.rankers.examples import Examples
from models.rankers.model import Model

SHARE = 0.98  # of all that moves scores, kept
LOOKED_AT = 4_000  # rows, evenly over all


def telling(model: Model, examples: Examples, share: float = SHARE) -> list[str]:
    """The fewest of the columns whose contributions make up `share` of all, in the order of the examples.

    By mean absolute contribution (TreeSHAP where the model is made of trees). All columns of a kind that cannot say.
    """
    rows = np.linspace(0, len(examples) - 1, min(len(examples), LOOKED_AT)).astype(int)
    found = model.contributions(examples.matrix[rows])
    if found is None:
        return list(examples.features)
    moves = np.abs(found[:, :-1]).mean(axis=0, dtype=np.float64)
    order = np.argsort(-moves, kind="stable")
    enough = np.searchsorted(np.cumsum(moves[order]), share * moves.sum()) + 1
    return [examples.features[place] for place in np.sort(order[:enough])]
