"""The area under the curve of lists that were cut: all that was offered behind the end of a list is one tie."""

import numpy as np

from models.metrics.ranking import Ranking


def auc_within(ranking: Ranking, offered: np.ndarray) -> np.ndarray:
    """The chance that a positive of a group stands above another of it that is none, a tie counting half, [groups].

    offered: how many could have been ranked, [groups], at least as many as are; where a list holds all that was
    offered this is the usual AUC of the group. NaN where nothing is wanted, or nothing else was offered.
    """
    found, wanted, length = ranking.sum(ranking.labels), ranking.relevant, ranking.sizes
    above = ranking.sum(ranking.ranks * ranking.labels) - found * (found - 1) / 2  # of the positives in the list
    behind = np.maximum(offered - length - (wanted - found), 0)
    lost = above + (wanted - found) * (length - found + behind / 2)
    pairs = wanted * (offered - wanted)
    return 1 - np.divide(lost, pairs, out=np.full(len(pairs), np.nan), where=pairs > 0)
