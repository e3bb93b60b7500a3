"""Rows that are hard to order: the candidates that a first, simple ranker would put on top.

A ranker that learns from all candidates alike spends itself on telling the many that nobody would show from the rest;
what it is judged by is the order of the first few. Some of the rest stay, so that it knows them too.
"""

import numpy as np

from models.rankers import choice
from models.rankers.examples import Examples

FIRST = 60  # candidates of a question by the first ranker
EVERY = 10  # of the rest, each so many-th stays
SAMPLED = 4  # of the candidates nobody wanted, each so many-th teaches the first ranker


def hard(examples: Examples) -> Examples:
    """The rows that are hard; questions without a right one, or with nothing else, leave."""
    if not len(examples):
        return examples
    turn = np.arange(len(examples))
    first = choice.fit(examples.only((examples.labels > 0) | (turn % SAMPLED == 0)))
    order = np.lexsort((turn, -first.score(examples.matrix), examples.groups))
    begins = np.searchsorted(examples.groups, examples.groups[order])
    rank = np.empty(len(examples), np.int64)
    rank[order] = turn - begins
    return both(examples.only((rank < FIRST) | (rank % EVERY == 0)))


def both(examples: Examples) -> Examples:
    """The questions that have a right row and a wrong one."""
    _, group, sizes = np.unique(examples.groups, return_inverse=True, return_counts=True)
    right = np.bincount(group, examples.labels, minlength=len(sizes))
    return examples.only(((right > 0) & (right < sizes))[group])
