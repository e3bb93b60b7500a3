"""Forward chaining: what is asked in an epoch is answered by sources that were fitted to what was before it.

A ranker that trains on the scores of a source that had seen the answers would trust it too much; asked of an epoch
that it was not fitted to, a source is as good as it will be for the requests to come.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from models.interactions import Interactions
from models.items import Items
from models.retrieval.sources import Fitted, fit_all

MANY, FEW = 4, 2
LARGE = 1_000_000  # acts from which on fits cost minutes, so that there are fewer
FIRST = 0.4  # share of the acts before the first epoch, where questions are about candidates
FIRST_SHOWN = 0.1  # the same where they are about impressions, which are few and must not be lost


@dataclass(frozen=True)
class Epoch:
    """Questions at instants of [begins, ends), us; `fitted` to the acts before `begins`."""

    begins: int
    ends: int


def epochs(acts: Interactions, first: float, many: int | None = None) -> list[Epoch]:
    """Epochs of equally many acts behind the `first` share of them; none where all acts are of one instant."""
    many = many or (MANY if len(acts) < LARGE else FEW)
    places = (np.linspace(first, 1, many + 1)[:-1] * len(acts)).astype(np.int64)
    begins = np.unique(acts.times[places]) if len(acts) else np.zeros(0, np.int64)
    begins = begins[begins > acts.times[0]] if len(acts) else begins
    bounds = [*begins.tolist(), np.iinfo(np.int64).max]
    return [Epoch(*pair) for pair in pairwise(bounds)]


def fits(acts: Interactions, items: Items, chain: Sequence[Epoch], names: Sequence[str]) -> Iterator[Fitted]:
    """The sources of `names`, fitted before each epoch; one at a time, since they may be large."""
    for epoch in chain:
        yield fit_all(acts.before(epoch.begins), items, names)
