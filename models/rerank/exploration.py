"""A share of the slots shows what the ranker would not, and the log says with which probability.

Of the K slots shown (K = min(k, items)), m explore. m is share * K, or one of the two whole numbers beside it, drawn so
that its mean is share * K. Which m slots explore is drawn, every choice alike. The other slots show the first K - m
items of the list in their order. All items behind these are the pool, from which the exploring slots are filled.

- epsilon: the pool's items are drawn without replacement, each alike.
- thompson: the pool is dealt into m groups (its r-th item, from 0, into group r modulo m), and the j-th exploring slot
  shows the winner of group j: each item of it draws a rate from its own posterior, and the greatest wins.

The propensity is the probability, over m and all that is drawn, that item i stands in slot s. It has a closed form:

    P(i in s) = sum over m of P(m) * P(i in s | m), where, with s and rank(i) in the list counted from 0,

    rank(i) < K - m:   C(s, s - rank(i)) * C(K - 1 - s, m - s + rank(i)) / C(K, m)    as many slots above s explore
    epsilon, behind:   m / K / items in the pool
    thompson, behind:  C(s, j) * C(K - 1 - s, m - 1 - j) / C(K, m) * P(i wins group j)    s is the j-th that explores

P(i wins) = sum over rates g of p_i(g) * product over the others l of P(l draws less than g, or just g from behind i)
(`models/rerank/posterior.py`). Sources: Thompson, Biometrika 1933; Chapelle and Li, NIPS 2011.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import comb, floor

import numpy as np

from models.rerank.posterior import chance, draw, posteriors
from models.rerank.step import Context, Ranked
from models.rerank.words import moves

LEARN = "shown to learn how it does"
MADE_ROOM = "made room for one to learn about"


@dataclass(frozen=True)
class Exploration:
    """share: of the slots, 0 to 1. kind: "thompson" or "epsilon"; without items' outcomes thompson becomes epsilon."""

    share: float = 0.2
    kind: str = "thompson"
    name: str = "exploration"

    def lacks(self, context: Context) -> str | None:
        return None

    def apply(self, ranked: Ranked, context: Context) -> Ranked:
        slots = min(context.k, len(ranked))
        posterior = self._posteriors(ranked, context)
        random = np.random.default_rng(context.seed)
        counts = _counts(self.share * slots)
        exploring = int(random.choice(list(counts), p=list(counts.values())))
        order = _order(len(ranked), slots, exploring, posterior, random)
        shown = order[:slots]
        propensity = np.full(len(ranked), np.nan)
        propensity[:slots] = propensities(shown, len(ranked), self.share, posterior)
        explored = shown[shown >= slots - exploring]
        said = dict.fromkeys(ranked.places[explored].tolist(), LEARN)
        said |= moves(ranked, order, context.k, dict.fromkeys(explored.tolist(), LEARN), MADE_ROOM, MADE_ROOM)
        return replace(ranked.reordered(order, said), propensity=propensity)

    def _posteriors(self, ranked: Ranked, context: Context) -> np.ndarray | None:
        if self.kind == "epsilon" or context.impressions is None or context.clicks is None:
            return None
        return posteriors(context.impressions[ranked.places], context.clicks[ranked.places])


def was_explored(changes: Sequence[str]) -> bool:
    """Whether what steps did to an item, in words, says that its slot was one that explores."""
    return any(words.endswith(LEARN) for words in changes)


def propensities(shown: np.ndarray, rows: int, share: float, posterior: np.ndarray | None = None) -> np.ndarray:
    """The probability with which each slot shows what it shows, float64 [slots].

    shown: int64 [slots], the position, from 0, that the item in each slot has in a list of `rows` items before anything
    is drawn. posterior: the items' posteriors in the order of that list, [rows, RATES]; None for epsilon.
    """
    counts = _counts(share * len(shown))
    return sum((p * _propensity(shown, rows, m, posterior) for m, p in counts.items()), np.zeros(len(shown)))


def _counts(mean: float) -> dict[int, float]:
    """How many slots explore, and with which probability: the whole numbers beside `mean`."""
    low = floor(round(mean, 9))
    above = round(mean - low, 9)
    return {low: 1 - above} | ({low + 1: above} if above > 0 else {})


def _order(
    rows: int, slots: int, exploring: int, posterior: np.ndarray | None, random: np.random.Generator
) -> np.ndarray:
    """The old position at each new one, int64 [rows]: the slots as drawn, and behind them the rest as it was."""
    kept = slots - exploring
    explores = np.zeros(slots, bool)
    explores[random.permutation(slots)[:exploring]] = True
    order = np.empty(slots, np.int64)
    order[~explores] = np.arange(kept)
    order[explores] = _drawn(kept, rows, exploring, posterior, random)
    rest = np.ones(rows, bool)
    rest[order] = False
    return np.concatenate([order, np.flatnonzero(rest)])


def _drawn(
    kept: int, rows: int, exploring: int, posterior: np.ndarray | None, random: np.random.Generator
) -> np.ndarray:
    """Positions of the pool, int64 [exploring], as they fill the exploring slots from the top."""
    if posterior is None:
        return kept + random.permutation(rows - kept)[:exploring]
    groups = [posterior[kept + j :: exploring] for j in range(exploring)]
    return np.array([kept + j + exploring * draw(group, random) for j, group in enumerate(groups)], np.int64)


def _propensity(shown: np.ndarray, rows: int, exploring: int, posterior: np.ndarray | None) -> np.ndarray:
    """The probability of the item in each slot, float64 [slots], when `exploring` slots explore.

    shown: the position in the list of the item in each slot.
    """
    slots = len(shown)
    kept, ways = slots - exploring, comb(slots, exploring)
    found = np.zeros(slots)
    for slot, rank in enumerate(shown.tolist()):
        if rank < kept:
            found[slot] = _ways(slot, slots, slot - rank, exploring) / ways
        elif not exploring:  # what lies behind the slots is shown by those alone that explore
            continue
        elif posterior is None:
            found[slot] = exploring / slots / (rows - kept)
        else:
            row, group = divmod(rank - kept, exploring)
            won = chance(posterior[kept + group :: exploring], row)
            found[slot] = _ways(slot, slots, group, exploring - 1) / ways * won
    return found


def _ways(slot: int, slots: int, above: int, others: int) -> int:
    """How many choices of `others` exploring slots besides this one have `above` of them above it."""
    if not 0 <= above <= others:
        return 0
    return comb(slot, above) * comb(slots - 1 - slot, others - above)
