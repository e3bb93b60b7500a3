"""Whether what is wanted stands at the top: of each group, [groups], NaN for one where nothing is wanted."""

import numpy as np

from models.metrics.ranking import Ranking


def ndcg(ranking: Ranking, k: int) -> np.ndarray:
    """Normalized discounted cumulative gain of the first k."""
    gains = np.where(ranking.ranks < k, ranking.labels / np.log2(ranking.ranks + 2), 0)
    ideal = np.cumsum(1 / np.log2(np.arange(k) + 2))
    best = ideal[np.clip(ranking.relevant.astype(np.int64), 1, k) - 1]
    return _where_relevant(ranking, ranking.sum(gains) / best)


def recall(ranking: Ranking, k: int) -> np.ndarray:
    """Share of the positives that are among the first k."""
    return _where_relevant(ranking, _hits(ranking, k) / np.maximum(ranking.relevant, 1))


def precision(ranking: Ranking, k: int) -> np.ndarray:
    """Share of the first k that are positive; a list shorter than k counts as k."""
    return _where_relevant(ranking, _hits(ranking, k) / k)


def hit_rate(ranking: Ranking, k: int) -> np.ndarray:
    """1 where a positive is among the first k, else 0."""
    return _where_relevant(ranking, np.minimum(_hits(ranking, k), 1))


def reciprocal_rank(ranking: Ranking, k: int | None = None) -> np.ndarray:
    """1 / the rank, from 1, of the first positive; 0 where none is among the first k. Its mean is MRR."""
    found = ranking.labels > 0
    if k is not None:
        found &= ranking.ranks < k
    firsts = found & (_running(ranking) == 1)
    return _where_relevant(ranking, ranking.sum(np.where(firsts, 1 / (ranking.ranks + 1), 0)))


def average_precision(ranking: Ranking, k: int) -> np.ndarray:
    """Mean of the precision at each positive among the first k, over the positives that k can hold.

    Its mean over groups is MAP@k.
    """
    return _where_relevant(ranking, _precisions(ranking, k) / np.clip(ranking.relevant, 1, k))


def average_precision_of_all(ranking: Ranking, k: int) -> np.ndarray:
    """As `average_precision`, but over all positives, also those that k cannot hold: never more, often much less.

    Its mean over groups is MAP in the tables of Microsoft's recommenders (`map` there; `map_at_k` is the other one).
    """
    return _where_relevant(ranking, _precisions(ranking, k) / np.maximum(ranking.relevant, 1))


def _hits(ranking: Ranking, k: int) -> np.ndarray:
    return ranking.sum(np.where(ranking.ranks < k, ranking.labels, 0))


def _precisions(ranking: Ranking, k: int) -> np.ndarray:
    """Sum of the precision at each positive among the first k, [groups]."""
    precision = _running(ranking) / (ranking.ranks + 1)
    return ranking.sum(np.where(ranking.ranks < k, precision * ranking.labels, 0))


def _running(ranking: Ranking) -> np.ndarray:
    """Positives of the group down to each place, [rows]."""
    running = np.r_[0.0, np.cumsum(ranking.labels)]
    return running[1:] - np.repeat(running[ranking.starts], ranking.sizes)


def _where_relevant(ranking: Ranking, values: np.ndarray) -> np.ndarray:
    return np.where(ranking.relevant > 0, values, np.nan)
